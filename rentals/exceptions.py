"""Refusals of rentals."""

from config.api.exceptions import Conflict, DomainError


class NotAvailable(Conflict):
    """409: more than there is at some moment; `details.lines` names the items and what could be taken."""

    message = "Not enough is available at that time."


class InvalidTransition(DomainError):
    """409: the order's status does not allow it; `details.allowed` says what it allows."""

    status, code = 409, "INVALID_TRANSITION"
    message = "The order's status does not allow this."
