"""Quotes on the wire."""

from decimal import Decimal

from rest_framework import serializers

from credentials.serializers.tenants import TenantNamed
from leads.serializers import MAX_VALUE_MINOR
from pipeline.models import Quote
from pipeline.models.quotes import MAX_LINES
from pipeline.serializers.lists import ChangeOut, CurrencyIn, DayIn, PipelineQuery


class QuoteLineIn(serializers.Serializer):
    """So many at so much, less a discount, with tax on the rest."""

    description = serializers.CharField(max_length=300)
    quantity = serializers.DecimalField(
        max_digits=12, decimal_places=3, min_value=Decimal("0.001"), default=Decimal(1)
    )
    unitPriceMinor = serializers.IntegerField(
        source="unit_price_minor", min_value=0, max_value=MAX_VALUE_MINOR // 10**6
    )
    discountMinor = serializers.IntegerField(
        source="discount_minor",
        min_value=0,
        max_value=MAX_VALUE_MINOR,
        default=0,
        help_text="off the line; takes away no more than there is",
    )
    taxRate = serializers.DecimalField(
        source="tax_rate",
        max_digits=5,
        decimal_places=2,
        min_value=Decimal(0),
        max_value=Decimal(100),
        default=Decimal(0),
        help_text="per cent",
    )


class QuoteTerms(serializers.Serializer):
    """What a quote says."""

    title = serializers.CharField(max_length=200)
    notes = serializers.CharField(max_length=10_000, allow_blank=True, default="")
    currency = CurrencyIn(max_length=3)
    validUntil = DayIn(
        source="valid_until",
        help_text="the last day on which it can be accepted, in the organization's time zone",
    )
    lines = serializers.ListField(child=QuoteLineIn(), allow_empty=False, max_length=MAX_LINES)


class QuoteIn(TenantNamed, QuoteTerms):
    """A new quote for a lead."""

    leadId = serializers.UUIDField(source="lead_id")


class QuoteChanges(serializers.Serializer):
    """What changes in a draft or a new version; what is not named stays. `lines` are all of them."""

    title = serializers.CharField(max_length=200, required=False)
    notes = serializers.CharField(max_length=10_000, allow_blank=True, required=False)
    currency = CurrencyIn(max_length=3, required=False)
    validUntil = DayIn(source="valid_until", required=False)
    lines = serializers.ListField(
        child=QuoteLineIn(), allow_empty=False, max_length=MAX_LINES, required=False
    )


class QuoteLineOut(serializers.Serializer):
    description = serializers.CharField()
    quantity = serializers.CharField()
    unitPriceMinor = serializers.IntegerField()
    discountMinor = serializers.IntegerField()
    taxRate = serializers.CharField()
    subtotalMinor = serializers.IntegerField(help_text="after the discount, rounded")
    taxMinor = serializers.IntegerField()
    totalMinor = serializers.IntegerField()


class QuoteTaxOut(serializers.Serializer):
    rate = serializers.CharField()
    baseMinor = serializers.IntegerField()
    taxMinor = serializers.IntegerField()


class QuoteOut(serializers.Serializer):
    """One version of a quote; its totals are the sums of its lines'."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    leadId = serializers.UUIDField(source="lead_id")
    agentId = serializers.UUIDField(source="agent_id", allow_null=True)
    seriesId = serializers.UUIDField(source="series_id", help_text="the same for all versions")
    version = serializers.IntegerField()
    supersedesId = serializers.UUIDField(source="supersedes_id", allow_null=True)
    status = serializers.ChoiceField(choices=Quote.Status.choices)
    title = serializers.CharField()
    notes = serializers.CharField()
    currency = serializers.CharField()
    lines = QuoteLineOut(many=True)
    subtotalMinor = serializers.IntegerField(source="subtotal_minor")
    taxMinor = serializers.IntegerField(source="tax_minor")
    totalMinor = serializers.IntegerField(source="total_minor")
    taxes = QuoteTaxOut(many=True)
    validUntil = serializers.DateField(source="valid_until")
    sentAt = serializers.DateTimeField(source="sent_at", allow_null=True)
    decidedAt = serializers.DateTimeField(source="decided_at", allow_null=True)
    reason = serializers.CharField()
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class VersionOut(serializers.Serializer):
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Quote.Status.choices)
    totalMinor = serializers.IntegerField(source="total_minor")
    createdAt = serializers.DateTimeField(source="created_at")


class QuoteDetail(QuoteOut):
    """A quote with its versions and its history."""

    versions = VersionOut(many=True)
    history = ChangeOut(many=True)


class QuoteQuery(PipelineQuery):
    """What narrows the list of quotes."""

    seriesId = serializers.UUIDField(required=False)
