"""Campaigns on the wire."""

from typing import Any

from rest_framework import serializers

from catalog.models import WHOLE
from config.api.pagination import ListQuery
from rewards.models import Campaign


class CampaignIn(serializers.Serializer):
    """A campaign: exactly one of `share_pct` and `flat_reward` (minor units of `currency`)."""

    offer_id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    name = serializers.CharField(max_length=200, required=False, default="")
    share_pct = serializers.DecimalField(
        source="share",
        max_digits=5,
        decimal_places=2,
        min_value=0,
        max_value=100,
        required=False,
        allow_null=True,
        default=None,
    )
    flat_reward = serializers.IntegerField(
        source="flat_reward_minor",
        min_value=1,
        max_value=10**12,
        required=False,
        allow_null=True,
        default=None,
    )
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, default="")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if (data["share"] is None) == (data["flat_reward_minor"] is None):
            message = ["Give exactly one of share_pct and flat_reward."]
            raise serializers.ValidationError({"share_pct": message, "flat_reward": message})
        if data["currency"] and data["flat_reward_minor"] is None:
            raise serializers.ValidationError({"currency": ["It is the flat reward's; a share has none."]})
        if data["share"] is not None:
            data["share"] = int(data["share"] * WHOLE / 100)
        return data


class CampaignChangeIn(serializers.Serializer):
    """Another name, or another status: `paused` and `active` follow each other, `closed` is final."""

    name = serializers.CharField(max_length=200, required=False, default="")
    status = serializers.ChoiceField(choices=Campaign.Status.choices, required=False, default="")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if not data["name"] and not data["status"]:
            raise serializers.ValidationError({"status": ["Give a status or a name."]})
        return data


class CampaignQuery(ListQuery):
    offer_id = serializers.UUIDField(required=False)


class PerformanceQuery(serializers.Serializer):
    """Days of UTC, both included; without them the whole time."""

    dateFrom = serializers.CharField(required=False, max_length=40)
    dateTo = serializers.CharField(required=False, max_length=40)


class EarningsOut(serializers.Serializer):
    """Commissions of one currency, in minor units.

    `revenue_minor` is approved, `pending_minor` not yet; `partner_minor` and `user_minor` are the parts of
    what is approved. `epc` is the revenue a click.
    """

    currency = serializers.CharField()
    revenue_minor = serializers.IntegerField()
    pending_minor = serializers.IntegerField()
    partner_minor = serializers.IntegerField()
    user_minor = serializers.IntegerField()
    epc = serializers.FloatField(allow_null=True)


class PerformanceOut(serializers.Serializer):
    """`conversion_rate` is in per cent of the clicks; null without clicks. Bots are no clicks."""

    clicks = serializers.IntegerField()
    conversions = serializers.IntegerField()
    conversion_rate = serializers.FloatField(allow_null=True)
    earnings = EarningsOut(many=True)


class CampaignOut(serializers.Serializer):
    """A campaign as partners see it. `flat_reward` is in minor units of `currency`."""

    campaign_id = serializers.UUIDField(source="id")
    tenant_id = serializers.UUIDField(source="organization_id")
    offer_id = serializers.UUIDField()
    name = serializers.CharField()
    pid = serializers.CharField()
    share_pct = serializers.SerializerMethodField()
    flat_reward = serializers.IntegerField(source="flat_reward_minor", allow_null=True)
    currency = serializers.CharField()
    status = serializers.ChoiceField(choices=Campaign.Status.choices)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_share_pct(self, campaign: Campaign) -> float | None:
        return None if campaign.share is None else campaign.share / 100


class CampaignDetail(CampaignOut):
    """A campaign with what came of it."""

    performance = PerformanceOut()
