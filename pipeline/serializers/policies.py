"""Policies on the wire."""

from typing import Any

from rest_framework import serializers

from config.api.customers import CustomerIn, CustomerOut
from credentials.serializers.tenants import TenantNamed
from leads.serializers import MAX_VALUE_MINOR
from pipeline.models import Policy
from pipeline.serializers.lists import MAX_REASON, ChangeOut, DayIn, PipelineQuery


class PolicyTerms(serializers.Serializer):
    """What a policy says. Days are the organization's; the last one is covered."""

    product = serializers.CharField(max_length=200, required=False)
    holder = CustomerIn(required=False)
    premiumMinor = serializers.IntegerField(
        source="premium_minor",
        min_value=0,
        max_value=MAX_VALUE_MINOR,
        required=False,
        help_text="for the whole term; the proposal's total",
    )
    startsOn = DayIn(source="starts_on", required=False)
    endsOn = DayIn(
        source="ends_on", required=False, help_text="the last day with cover: of a year, if none is given"
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        starts_on, ends_on = data.get("starts_on"), data.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            raise serializers.ValidationError({"endsOn": ["The end must not be before the start."]})
        return data


class PolicyIn(TenantNamed, PolicyTerms):
    """A policy from an accepted proposal; its title, customer and total where nothing else is said."""

    proposalId = serializers.UUIDField(source="proposal_id")
    startsOn = DayIn(source="starts_on")


class PolicyChanges(PolicyTerms):
    """An endorsement: what changes, and why. What is not named stays."""

    reason = serializers.CharField(max_length=MAX_REASON, allow_blank=True, default="")


class ActivateIn(serializers.Serializer):
    """`early` says that cover begins before `startsOn`, which is refused otherwise."""

    early = serializers.BooleanField(default=False)


class PolicyCancelIn(serializers.Serializer):
    """Why, and from which day on there is no cover: today, where nothing else is said."""

    reason = serializers.CharField(max_length=MAX_REASON)
    cancelFrom = DayIn(source="cancelled_from", required=False)


class PolicyOut(serializers.Serializer):
    """A policy; `refundMinor` is what a cancelled one gives back."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    leadId = serializers.UUIDField(source="lead_id")
    agentId = serializers.UUIDField(source="agent_id", allow_null=True)
    proposalId = serializers.UUIDField(source="proposal_id")
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=Policy.Status.choices)
    product = serializers.CharField()
    holder = CustomerOut()
    currency = serializers.CharField()
    premiumMinor = serializers.IntegerField(source="premium_minor")
    startsOn = serializers.DateField(source="starts_on")
    endsOn = serializers.DateField(source="ends_on")
    endorsements = serializers.IntegerField(help_text="how often it was changed")
    activatedAt = serializers.DateTimeField(source="activated_at", allow_null=True)
    cancelledAt = serializers.DateTimeField(source="cancelled_at", allow_null=True)
    cancelledFrom = serializers.DateField(source="cancelled_from", allow_null=True)
    reason = serializers.CharField()
    refundMinor = serializers.IntegerField(source="refund_minor", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class PolicyDetail(PolicyOut):
    """A policy with its history."""

    history = ChangeOut(many=True)


class PolicyQuery(PipelineQuery):
    """What narrows the list of policies."""

    proposalId = serializers.UUIDField(required=False)
    number = serializers.CharField(required=False, max_length=20)
