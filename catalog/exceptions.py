"""What the catalogue refuses."""

from typing import Any

from config.api.exceptions import Forbidden


class OfferNotAllowed(Forbidden):
    """403 `offer_not_allowed`: the key's allow-lists of offers or brands leave this one out."""

    message = "The credential does not allow this offer."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, reason="offer_not_allowed", **details)
