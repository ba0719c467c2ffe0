"""What an offer pays and its caps, as conversions need it; kept for a second."""

import time
from uuid import UUID

from catalog.models import Offer

_KEPT_S = 1.0
_MOST = 1000
# what it pays, and its caps
TERMS = (
    "network_id",
    "commission_type",
    "commission_value",
    "commission_currency",
    "daily_conversion_cap",
    "total_conversion_cap",
    "daily_revenue_cap_minor",
    "total_revenue_cap_minor",
)
_FIELDS = ("organization_id", "environment", "name", *TERMS)
_offers: dict[UUID, tuple[float, Offer]] = {}


def offer_of(offer_id: UUID) -> Offer:
    """The offer of a campaign in the present tenant, with these fields, as it was a second ago at most."""
    now = time.monotonic()
    known = _offers.get(offer_id)
    if known and known[0] > now:
        return known[1]
    if len(_offers) >= _MOST:
        _offers.clear()
    offer = Offer.objects.only(*_FIELDS).get(id=offer_id)
    _offers[offer_id] = (now + _KEPT_S, offer)
    return offer
