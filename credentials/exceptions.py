"""Refusals of the credentials app."""

from config.api.exceptions import Conflict, DomainError, ValidationFailed


class KeyRevoked(Conflict):
    """409: revoked is final; a revoked key can be neither changed, rotated nor resumed."""

    code = "INVALID_TRANSITION"
    message = "The key is revoked, which is final."


class KeyExists(Conflict):
    """409: this very key was issued already; the form or the call was sent twice."""

    message = "This key was issued already."


class SigningIsOff(Conflict):
    """409: the key signs no requests, so it has no signing secret to rotate."""

    message = "The key signs no requests. Turn signing on first."


class IdempotencyKeyRequired(ValidationFailed):
    """400: this write needs an Idempotency-Key header."""

    code = "IDEMPOTENCY_KEY_REQUIRED"
    message = "This write needs an Idempotency-Key header."


class IdempotencyConflict(Conflict):
    """409: the key was used with another method, path or body."""

    code = "IDEMPOTENCY_CONFLICT"
    message = "This Idempotency-Key was used with another request."


class IdempotencyInProgress(Conflict):
    """409: the first call with this key is still running."""

    code = "IDEMPOTENCY_IN_PROGRESS"
    message = "The first call with this Idempotency-Key is still running."
    retryable = True


class PayloadTooLarge(DomainError):
    """413: the body is larger than the endpoint takes."""

    status, code, message = 413, "PAYLOAD_TOO_LARGE", "The body is too large."
