"""Refusals of campaigns and links."""

from config.api.exceptions import BusinessRule, DomainError


class CampaignTransition(DomainError):
    """409: the campaign's status does not allow it; `details.allowed` says what it allows."""

    status, code = 409, "INVALID_TRANSITION"
    message = "The campaign's status does not allow this."


class OfferInactive(BusinessRule):
    """422 `offer_inactive`: paused, ended, or outside its dates."""

    message = "The offer is not active."

    def __init__(self) -> None:
        super().__init__(reason="offer_inactive")


class CampaignClosed(BusinessRule):
    """422 `campaign_closed`: nothing new comes of a closed campaign."""

    message = "The campaign is closed."

    def __init__(self) -> None:
        super().__init__(reason="campaign_closed")
