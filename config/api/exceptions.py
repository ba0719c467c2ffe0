"""Refusals a caller can act on (contract 0.2)."""

from typing import Any, Self


class DomainError(Exception):
    """A refusal: an HTTP status, a stable code, one sentence, and details for machines.

    `details["retryable"]` says whether the same call may be sent again.
    """

    status = 409
    code = "CONFLICT"
    message = "The request conflicts with the present state."
    retryable = False

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or self.message
        self.details: dict[str, Any] = {**details, "retryable": self.retryable}
        self.headers: dict[str, str] = {}
        super().__init__(self.message)


class ValidationFailed(DomainError):
    """400: `details` maps each field to its messages."""

    status = 400
    code = "VALIDATION_ERROR"
    message = "The request is not valid."

    @classmethod
    def of(cls, fields: dict[str, list[str]]) -> Self:
        """The refusal of fields whose names are no Python names, or are only known at run time."""
        error = cls()
        error.details = {**fields, **error.details}
        return error


class Unauthorized(DomainError):
    """401: no credential, or one that does not (or no longer) admit the caller."""

    status = 401
    code = "UNAUTHORIZED"
    message = "A valid credential is required."


class Forbidden(DomainError):
    """403: known caller, not allowed; `reason` is contract 0.2's."""

    status = 403
    code = "FORBIDDEN"
    message = "The credential does not allow this."


class NotFound(DomainError):
    """404: no such object for this caller, whoever else may have it."""

    status = 404
    code = "NOT_FOUND"
    message = "Not found."


class Conflict(DomainError):
    """409: the present state does not allow it."""


class BusinessRule(DomainError):
    """422: understood, and refused by a rule; `reason` is a stable machine code."""

    status = 422
    code = "BUSINESS_RULE"
    message = "A business rule refuses this."


class ServiceUnavailable(DomainError):
    """503: switched off, or a store does not answer; send it again later."""

    status = 503
    code = "SERVICE_UNAVAILABLE"
    message = "The service is not available at the moment."
    retryable = True
