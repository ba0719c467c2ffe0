"""Caps of an offer: how many conversions, and how much of commission, a network pays for."""

from datetime import date
from typing import Any

from django.db import connection
from uuid_utils.compat import uuid7

from catalog.models import Offer
from rewards.models import Conversion
from rewards.selectors.rates import converted, rate_of

# One row a day and one for ever; whoever counts holds it until its transaction ends, so N is exactly N.
_COUNT = """
INSERT INTO rewards_conversiontally AS held (id, organization_id, environment, created_at, updated_at,
  offer_id, day, conversion_count, revenue_minor)
SELECT %(id)s, %(organization)s, %(environment)s, now(), now(), %(offer)s, %(day)s, 1, %(revenue)s
WHERE (%(most)s::bigint IS NULL OR 1 <= %(most)s::bigint)
  AND (%(most_revenue)s::bigint IS NULL OR %(revenue)s <= %(most_revenue)s::bigint)
ON CONFLICT (offer_id, day) DO UPDATE
  SET conversion_count = held.conversion_count + 1,
    revenue_minor = held.revenue_minor + excluded.revenue_minor, updated_at = now()
  WHERE (%(most)s::bigint IS NULL OR held.conversion_count < %(most)s::bigint)
    AND (%(most_revenue)s::bigint IS NULL
      OR held.revenue_minor + excluded.revenue_minor <= %(most_revenue)s::bigint)
RETURNING id
"""
_UNCOUNT = """
UPDATE rewards_conversiontally SET conversion_count = conversion_count - 1,
  revenue_minor = greatest(0, revenue_minor - %(revenue)s), updated_at = now()
WHERE offer_id = %(offer)s AND day IS NOT DISTINCT FROM %(day)s AND conversion_count > 0
"""


def cap_count(conversion: Conversion, offer: Offer, *, day: date, unlimited: bool = False) -> bool:
    """Count a conversion against its offer's caps; False, and nothing counted, where one is reached.

    Sets `counted_on`. `unlimited` counts whatever the caps are. Conversions of one offer with caps are
    counted one transaction after the other.
    """
    if not offer.has_caps:
        return True
    daily = (offer.daily_conversion_cap, offer.daily_revenue_cap_minor)
    ever = (offer.total_conversion_cap, offer.total_revenue_cap_minor)
    revenue = _revenue(conversion, offer)
    # for ever first: everybody in the same order
    if not _counted(conversion, offer, None, revenue, (None, None) if unlimited else ever):
        return False
    if not _counted(conversion, offer, day, revenue, (None, None) if unlimited else daily):
        _execute(_UNCOUNT, offer=offer.id, day=None, revenue=revenue)
        return False
    conversion.counted_on, conversion.counted_minor = day, revenue
    return True


def cap_release(conversion: Conversion) -> None:
    """Give back what a conversion counted."""
    if conversion.counted_on is None:
        return
    for day in (None, conversion.counted_on):
        _execute(_UNCOUNT, offer=conversion.offer_id, day=day, revenue=conversion.counted_minor)
    conversion.counted_on, conversion.counted_minor = None, 0


def _counted(
    conversion: Conversion,
    offer: Offer,
    day: date | None,
    revenue: int,
    most: tuple[int | None, int | None],
) -> bool:
    found = _execute(
        _COUNT,
        id=uuid7(),
        organization=conversion.organization_id,
        environment=conversion.environment,
        offer=offer.id,
        day=day,
        revenue=revenue,
        most=most[0],
        most_revenue=most[1],
    )
    return bool(found)


def _execute(sql: str, **given: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.fetchall() if cursor.description else []


def _revenue(conversion: Conversion, offer: Offer) -> int:
    """What it brings, in the currency of the offer's commission; 0 where no rate is known."""
    source, target = conversion.payout_currency, offer.commission_currency
    rate = rate_of(
        conversion.organization_id,
        conversion.environment,
        source=source,
        target=target,
        at=conversion.created_at,
    )
    return converted(conversion.payout_minor, rate, source=source, target=target) if rate else 0
