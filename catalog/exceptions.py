"""What the catalogue refuses."""

from typing import Any

from config.api.exceptions import Conflict, Forbidden


class OfferNotAllowed(Forbidden):
    """403 `offer_not_allowed`: the key's allow-lists of offers or brands leave this one out."""

    message = "The credential does not allow this offer."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, reason="offer_not_allowed", **details)


class NameTaken(Conflict):
    """409: the organization has one of this name in this environment."""

    message = "The name is taken."


class NetworkDisabled(Conflict):
    """409: a network that is switched off is not read."""

    message = "The network is switched off."


class SyncRunning(Conflict):
    """409: the network's catalogue is being read already."""

    message = "The network's catalogue is being read already."


class PageTaken(Exception):
    """Somebody else took this page, or the run is over: whoever meets it stops without a trace."""
