"""What a conversion pays, in the currency of its books, and the parts that are due of it."""

from datetime import datetime

from catalog.models import WHOLE, AffiliateNetwork, Offer
from rewards.models import Conversion, RewardTerms
from rewards.postbacks import Postback, minor_units
from rewards.selectors.rates import converted, rate_of
from rewards.splits import Parts, parts_of

Status, Hold = Conversion.Status, Conversion.Hold


def amounts_take(conversion: Conversion, network: AffiliateNetwork, postback: Postback) -> None:
    """What the network says it pays; where it says nothing, what the offer promises."""
    currency = postback.currency or conversion.payout_currency or network.currency
    if postback.sale is not None:
        conversion.sale_minor = minor_units(postback.sale, currency)
    if postback.payout is not None:
        conversion.payout_minor = minor_units(postback.payout, currency)
    elif conversion.payout_minor is None or postback.sale is not None:
        conversion.payout_minor, currency = _promised(conversion, currency)
    conversion.payout_currency = currency


def _promised(conversion: Conversion, currency: str) -> tuple[int, str]:
    offer = conversion.offer
    if offer is None:
        return 0, currency
    if offer.commission_type == Offer.CommissionType.FLAT:
        return offer.commission_value, offer.commission_currency
    return (conversion.sale_minor or 0) * offer.commission_value // WHOLE, currency


def currency_booked(conversion: Conversion, network: AffiliateNetwork) -> str:
    """The currency of its books: the flat reward's, else the network's own."""
    campaign = conversion.campaign
    return (campaign.currency if campaign else "") or network.currency


def price_set(conversion: Conversion, network: AffiliateNetwork, at: datetime | None = None) -> None:
    """The commission in the currency that is booked; a conversion's rate stays while its currencies do."""
    source, target = conversion.payout_currency, currency_booked(conversion, network)
    is_known = conversion.bookings and conversion.currency == target and conversion.rate_source == source
    if not is_known:
        rate = rate_of(
            conversion.organization_id,
            conversion.environment,
            source=source,
            target=target,
            at=at or conversion.created_at,
        )
        if rate is None:
            conversion.commission_minor, conversion.currency = 0, target
            conversion.held_for = conversion.held_for or Hold.RATE
            return
        conversion.rate, conversion.rate_source = rate, source
    conversion.currency = target
    conversion.commission_minor = converted(
        conversion.payout_minor, conversion.rate, source=source, target=target
    )


def parts_due(conversion: Conversion, terms: RewardTerms) -> Parts:
    """What is to be booked of it as it stands."""
    campaign = conversion.campaign
    if conversion.status != Status.APPROVED or conversion.held_for or campaign is None:
        return Parts()
    return parts_of(
        conversion.commission_minor,
        share=campaign.share,
        flat_reward_minor=campaign.flat_reward_minor,
        platform_share=terms.platform_share,
        # of a client that is gone, whoever was promised something keeps it
        has_partner=conversion.client_id is not None or conversion.bookings > 0,
        has_user=bool(conversion.user_id),
    )
