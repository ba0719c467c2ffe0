"""Assignments on the wire."""

from rest_framework import serializers

from credentials.serializers.tenants import TenantNamed
from pipeline.models import Assignment
from pipeline.models.assignments import MAX_ANSWER_MINUTES, MAX_OFFERS, Strategy
from pipeline.serializers.lists import ChangeOut, PipelineQuery


class AssignmentIn(TenantNamed):
    """Offer a lead: to the agent named, or to the one that `strategy` chooses."""

    leadId = serializers.UUIDField(source="lead_id")
    agentId = serializers.UUIDField(source="agent_id", allow_null=True, default=None)
    strategy = serializers.ChoiceField(
        choices=Strategy.choices, required=False, help_text="how agents are chosen: as the organization says"
    )
    answerMinutes = serializers.IntegerField(
        source="answer_minutes",
        min_value=1,
        max_value=MAX_ANSWER_MINUTES,
        required=False,
        help_text="how long the agent has to answer; the organization's own time",
    )
    maxOffers = serializers.IntegerField(
        source="max_offers",
        min_value=1,
        max_value=MAX_OFFERS,
        required=False,
        help_text="to how many agents it is offered at most, one after the other",
    )


class AssignmentQuery(PipelineQuery):
    """What narrows the list of assignments."""

    exhausted = serializers.ChoiceField(
        choices=("true", "false"), required=False, help_text="those that nobody took"
    )


class AssignmentOut(serializers.Serializer):
    """A lead offered to an agent."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    leadId = serializers.UUIDField(source="lead_id")
    agentId = serializers.UUIDField(source="agent_id", allow_null=True)
    status = serializers.ChoiceField(choices=Assignment.Status.choices)
    strategy = serializers.ChoiceField(choices=Strategy.choices)
    answerBy = serializers.DateTimeField(source="answer_by")
    answeredAt = serializers.DateTimeField(source="answered_at", allow_null=True)
    reason = serializers.CharField()
    chainId = serializers.UUIDField(source="chain_id", help_text="the same for all offers of one assignment")
    attempt = serializers.IntegerField(help_text="which offer of its chain this is, from 1")
    maxOffers = serializers.IntegerField(source="max_offers")
    previousId = serializers.UUIDField(source="previous_id", allow_null=True)
    exhausted = serializers.BooleanField(source="is_exhausted", help_text="nobody is left to offer it to")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class AssignmentDetail(AssignmentOut):
    """An assignment with its history."""

    history = ChangeOut(many=True)


class AssignmentRejectedOut(AssignmentOut):
    """The rejected assignment, and the one that follows it: null where nobody is left."""

    next = AssignmentOut(allow_null=True)
