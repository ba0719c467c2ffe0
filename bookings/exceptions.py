"""Refusals of bookings."""

from config.api.exceptions import Conflict, DomainError


class SlotTaken(Conflict):
    """409: another booking has the resource at that time."""

    message = "The resource is taken at that time."


class InvalidTransition(DomainError):
    """409: the booking's status does not allow it; `details.allowed` says what it allows."""

    status, code = 409, "INVALID_TRANSITION"
    message = "The booking's status does not allow this."
