"""Proposals on the wire."""

from rest_framework import serializers

from config.api.customers import CustomerIn, CustomerOut
from credentials.serializers.tenants import TenantNamed
from pipeline.models import Proposal
from pipeline.serializers.lists import MAX_REASON, ChangeOut, PipelineQuery
from pipeline.serializers.quotes import QuoteLineOut, QuoteTaxOut

MAX_VALID_DAYS = 90


class ProposalTerms(serializers.Serializer):
    """What a proposal says beside its quote.

    What is not named is the quote's title, and the lead's contact.
    """

    title = serializers.CharField(max_length=200, required=False)
    terms = serializers.CharField(max_length=20_000, allow_blank=True, required=False)
    customer = CustomerIn(required=False)
    validDays = serializers.IntegerField(
        source="valid_days",
        min_value=1,
        max_value=MAX_VALID_DAYS,
        required=False,
        help_text="how long the customer's link works once it is sent (14)",
    )


class ProposalIn(TenantNamed, ProposalTerms):
    """A new proposal from an accepted quote."""

    quoteId = serializers.UUIDField(source="quote_id")


class AcceptIn(serializers.Serializer):
    """Who accepted."""

    name = serializers.CharField(max_length=255)


class DeclineIn(serializers.Serializer):
    """Who declined, where it is known, and why."""

    name = serializers.CharField(max_length=255, allow_blank=True, default="")
    reason = serializers.CharField(max_length=MAX_REASON)


class ProposalOut(serializers.Serializer):
    """A proposal; `decided…` say who accepted or declined, when, through which door and from where."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    leadId = serializers.UUIDField(source="lead_id")
    agentId = serializers.UUIDField(source="agent_id", allow_null=True)
    quoteId = serializers.UUIDField(source="quote_id")
    status = serializers.ChoiceField(choices=Proposal.Status.choices)
    title = serializers.CharField()
    terms = serializers.CharField()
    customer = CustomerOut()
    currency = serializers.CharField()
    lines = QuoteLineOut(many=True)
    subtotalMinor = serializers.IntegerField(source="subtotal_minor")
    taxMinor = serializers.IntegerField(source="tax_minor")
    totalMinor = serializers.IntegerField(source="total_minor")
    taxes = QuoteTaxOut(many=True)
    validDays = serializers.IntegerField(source="valid_days")
    sentAt = serializers.DateTimeField(source="sent_at", allow_null=True)
    expiresAt = serializers.DateTimeField(source="expires_at", allow_null=True)
    decidedAt = serializers.DateTimeField(source="decided_at", allow_null=True)
    decidedBy = serializers.CharField(source="decided_by")
    decidedThrough = serializers.ChoiceField(
        source="decided_through", choices=Proposal.Door.choices, allow_blank=True
    )
    decidedFrom = serializers.IPAddressField(source="decided_from", allow_null=True)
    reason = serializers.CharField()
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class ProposalDetail(ProposalOut):
    """A proposal with its history."""

    history = ChangeOut(many=True)


class SentProposalOut(ProposalOut):
    """A proposal that can be accepted at `acceptanceUrl`:

    give the address to the customer, and nobody else.
    """

    acceptanceUrl = serializers.URLField()


class ProposalQuery(PipelineQuery):
    """What narrows the list of proposals."""

    quoteId = serializers.UUIDField(required=False)
