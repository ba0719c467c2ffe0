"""Rewards on the wire (contract C)."""

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rewards.models import PayoutItem, Reward


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


class PayoutOut(serializers.ModelSerializer):
    """The payout that holds or paid a reward."""

    payout_id = serializers.UUIDField(source="id")
    amount_minor = serializers.IntegerField(source="net_minor")

    class Meta:
        model = PayoutItem
        fields = ("payout_id", "status", "amount_minor", "currency", "settled_at")


class RewardOut(serializers.ModelSerializer):
    """A reward of an end user."""

    reward_id = serializers.UUIDField(source="id")
    conversion_id = serializers.UUIDField()
    campaign_id = serializers.SerializerMethodField()
    amount_minor = serializers.IntegerField()
    debt_minor = serializers.IntegerField(help_text="taken back after it was paid; later rewards pay it")
    failure_reason = serializers.CharField(source="failure")
    payout = serializers.SerializerMethodField()

    class Meta:
        model = Reward
        fields = (
            "reward_id",
            "user_id",
            "conversion_id",
            "campaign_id",
            "amount_minor",
            "currency",
            "status",
            "available_at",
            "paid_at",
            "reversed_at",
            "debt_minor",
            "failure_reason",
            "payout",
            "created_at",
        )

    def to_representation(self, instance: Reward) -> dict[str, Any]:
        """The fields above, without the fields' objects: each conversion announces its reward."""
        return {
            "reward_id": str(instance.id),
            "user_id": instance.user_id,
            "conversion_id": str(instance.conversion_id),
            "campaign_id": self.get_campaign_id(instance),
            "amount_minor": instance.amount_minor,
            "currency": instance.currency,
            "status": str(instance.status),
            "available_at": _moment(instance.available_at),
            "paid_at": _moment(instance.paid_at),
            "reversed_at": _moment(instance.reversed_at),
            "debt_minor": instance.debt_minor,
            "failure_reason": instance.failure,
            "payout": self.get_payout(instance),
            "created_at": _moment(instance.created_at),
        }

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_campaign_id(self, reward: Reward) -> str | None:
        found = reward.conversion.campaign_id
        return str(found) if found else None

    @extend_schema_field(PayoutOut(allow_null=True))
    def get_payout(self, reward: Reward) -> dict[str, Any] | None:
        return PayoutOut(reward.item).data if reward.item else None


class RewardTotal(serializers.Serializer):
    """A user's sums in one currency."""

    currency = serializers.CharField()
    queued_minor = serializers.IntegerField(help_text="owed, also what is still on hold")
    paid_minor = serializers.IntegerField()
    debt_minor = serializers.IntegerField()


class UserRewardsQuery(serializers.Serializer):
    user_id = serializers.CharField(max_length=120)
    page = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    cursor = serializers.CharField(required=False, max_length=400)
    status = serializers.ChoiceField(choices=Reward.Status.choices, required=False)
