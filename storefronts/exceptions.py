"""Refusals of widgets and sites."""

from config.api.exceptions import Conflict, Forbidden, ValidationFailed


class OriginNotAllowed(Forbidden):
    """403 `origin_not_allowed`: the page that asks is not on the publishable key's allow-list."""

    message = "This origin is not on the key's allow-list."

    def __init__(self) -> None:
        super().__init__(reason="origin_not_allowed")


class HostnameTaken(Conflict):
    """409: the domain is verified for a site already, perhaps another organization's."""

    message = "This domain is connected to a site already."


class HostnameRefused(ValidationFailed):
    """400: no name that a site may have: malformed, an address, or the hub's own."""

    message = "This name cannot be a site's domain."


class NotVerified(Conflict):
    """409: the token was not found where it was looked for."""

    message = "The token was not found at the domain."
