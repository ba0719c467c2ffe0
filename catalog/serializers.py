"""The wire form of the catalogue (contract C)."""

from typing import Any

from rest_framework import serializers

from catalog.models import Offer
from config.api.pagination import ListQuery

STATES = (*Offer.Status.values, "all")


class OfferQuery(ListQuery):
    """What narrows the list of offers.

    `q` (or `search`) is looked for in names, brands, categories and descriptions, as web searches are
    written: "exact words", or, -not; the last word may be a beginning. `min_commission` is compared with
    `base_commission.value`. `region` is an ISO 3166 country. Without a `status` only active offers are
    listed.
    """

    brand_id = serializers.UUIDField(required=False)
    category = serializers.CharField(required=False, max_length=120, allow_blank=True)
    q = serializers.CharField(required=False, max_length=200, allow_blank=True)
    min_commission = serializers.DecimalField(
        required=False, min_value=0, max_digits=15, decimal_places=2, coerce_to_string=False
    )
    commission_type = serializers.ChoiceField(choices=Offer.CommissionType.choices, required=False)
    region = serializers.RegexField(r"^[A-Za-z]{2}$", required=False)
    status = serializers.ChoiceField(  # type: ignore[assignment]
        choices=STATES, default=Offer.Status.ACTIVE
    )
    sortBy = serializers.CharField(required=False, max_length=40)


class CommissionOut(serializers.Serializer):
    """`value` is a percentage of the sale, or minor units of `currency` for each conversion (`flat`)."""

    type = serializers.ChoiceField(choices=Offer.CommissionType.choices)
    value = serializers.FloatField()
    currency = serializers.CharField()


class OfferOut(serializers.Serializer):
    """An offer as partners see it."""

    offer_id = serializers.UUIDField()
    name = serializers.CharField()
    brand_id = serializers.UUIDField()
    brand_name = serializers.CharField()
    category = serializers.CharField()
    description = serializers.CharField()
    base_commission = CommissionOut()
    default_share_pct = serializers.FloatField()
    status = serializers.ChoiceField(choices=Offer.Status.choices)
    image_url = serializers.CharField(allow_null=True)
    brand_logo_url = serializers.CharField(allow_null=True)


class CapsOut(serializers.Serializer):
    """What the network pays for at most; null is no cap. Revenue is in the commission's currency."""

    daily_conversions = serializers.IntegerField(allow_null=True)
    total_conversions = serializers.IntegerField(allow_null=True)
    daily_revenue_minor = serializers.IntegerField(allow_null=True)
    total_revenue_minor = serializers.IntegerField(allow_null=True)


class OfferDetailOut(OfferOut):
    """An offer with all that is known of it."""

    slug = serializers.CharField()
    image_urls = serializers.ListField(child=serializers.CharField())
    preview_url = serializers.CharField(allow_null=True)
    brand_website = serializers.CharField(allow_null=True)
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    regions = serializers.ListField(child=serializers.CharField())
    caps = CapsOut()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def hundredths(value: int) -> int | float:
    """Hundredths of a percent as per cent: 750 is 7.5, 800 is 8."""
    whole, rest = divmod(value, 100)
    return value / 100 if rest else whole


def offer_row(offer: Offer, *, status: str) -> dict[str, Any]:
    """OfferOut; made by hand, since lists are long."""
    is_share = offer.commission_type == Offer.CommissionType.PERCENTAGE
    return {
        "offer_id": offer.id,
        "name": offer.name,
        "brand_id": offer.brand_id,
        "brand_name": offer.brand_name,
        "category": offer.category,
        "description": offer.description,
        "base_commission": {
            "type": offer.commission_type,
            "value": hundredths(offer.commission_value) if is_share else offer.commission_value,
            "currency": offer.commission_currency,
        },
        "default_share_pct": hundredths(offer.default_share),
        "status": status,
        "image_url": offer.image_urls[0] if offer.image_urls else None,
        "brand_logo_url": offer.brand.logo_url or None,
    }


def offer_detail(offer: Offer, *, status: str) -> dict[str, Any]:
    """OfferDetailOut."""
    return offer_row(offer, status=status) | {
        "slug": offer.slug,
        "image_urls": offer.image_urls,
        "preview_url": offer.preview_url or None,
        "brand_website": offer.brand.website or None,
        "starts_at": offer.starts_at,
        "ends_at": offer.ends_at,
        "regions": offer.regions,
        "caps": {
            "daily_conversions": offer.daily_conversion_cap,
            "total_conversions": offer.total_conversion_cap,
            "daily_revenue_minor": offer.daily_revenue_cap_minor,
            "total_revenue_minor": offer.total_revenue_cap_minor,
        },
        "created_at": offer.created_at,
        "updated_at": offer.updated_at,
    }
