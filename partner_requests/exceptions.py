"""Refusals of partner requests."""

from config.api.exceptions import DomainError


class InvalidTransition(DomainError):
    """409: the request's status does not allow this; `details["allowed"]` says what it does."""

    code = "INVALID_TRANSITION"
    message = "The request is settled already."
