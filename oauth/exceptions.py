"""Refusals of the oauth app."""

from uuid import UUID

from config.api.exceptions import Conflict, DomainError, Forbidden


class CameTwice(Exception):
    """A code or a refresh token came a second time, so somebody else may hold it: its `family` must end.

    Not a refusal of OAuth's own, so that it leaves the transaction that it is found in.
    """

    def __init__(self, *, family: UUID) -> None:
        self.family = family
        super().__init__("A code or a refresh token came twice.")


class PublicApplication(Conflict):
    """409: a public application holds no secret."""

    message = "A public client holds no secret. Make it confidential first."


class PeopleOnly(Forbidden):
    """403: handing out a client's secrets takes a person who governs the organization."""

    message = "Only owners and managers set up OAuth; a key may not."


class TooManyTokenRequests(DomainError):
    """429: too many requests of this address, or of this client from it."""

    status, code, retryable = 429, "RATE_LIMIT_EXCEEDED", True
    message = "Too many requests. Wait a minute."
