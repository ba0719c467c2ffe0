"""Refusals of conversions and payouts."""

from config.api.exceptions import Conflict, DomainError, Forbidden


class InvalidTransition(DomainError):
    """409: the conversion's or payout's status does not allow it."""

    status, code = 409, "INVALID_TRANSITION"
    message = "Its status does not allow this."


class BatchChanged(Conflict):
    """409: the payouts are no longer those that the person looked at."""

    message = "The payouts have changed since you looked. Look at them again."


class SecondPersonRequired(Forbidden):
    """403: whoever made a payout batch does not approve it."""

    message = "Another person than the one who made this batch must approve it."

    def __init__(self) -> None:
        super().__init__(reason="second_person_required")
