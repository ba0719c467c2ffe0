"""The wire form of invoices (contract A)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.customers import CustomerOut
from invoices.models import Invoice


class InvoiceLineOut(serializers.Serializer):
    """A line; `subtotalMinor` is after the discount and before tax."""

    id = serializers.UUIDField()
    description = serializers.CharField()
    quantity = serializers.DecimalField(max_digits=12, decimal_places=3)
    unitPriceMinor = serializers.IntegerField(source="unit_price_minor")
    discountMinor = serializers.IntegerField(source="discount_minor")
    subtotalMinor = serializers.IntegerField(source="subtotal_minor")
    taxRate = serializers.DecimalField(source="tax_rate", max_digits=5, decimal_places=2)
    taxMinor = serializers.IntegerField(source="tax_minor")


class TaxOut(serializers.Serializer):
    """What is taxed at one rate."""

    rate = serializers.DecimalField(max_digits=5, decimal_places=2)
    baseMinor = serializers.IntegerField()
    taxMinor = serializers.IntegerField()


class InvoiceTotalsOut(serializers.Serializer):
    subtotalMinor = serializers.IntegerField(source="subtotal_minor")
    taxMinor = serializers.IntegerField(source="tax_minor")
    totalMinor = serializers.IntegerField(source="total_minor")
    paidMinor = serializers.IntegerField(source="paid_minor")
    creditedMinor = serializers.IntegerField(source="credited_minor")
    dueMinor = serializers.IntegerField(source="due_minor")
    refundDueMinor = serializers.IntegerField(source="refund_due_minor")
    currency = serializers.CharField()


class InvoiceRow(serializers.Serializer):
    """An invoice as the list shows it."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    kind = serializers.ChoiceField(choices=Invoice.Kind.choices)
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=Invoice.Status.choices)
    issuedAt = serializers.DateTimeField(source="issued_at")
    dueAt = serializers.DateTimeField(source="due_at")
    customer = CustomerOut()
    currency = serializers.CharField()
    totalMinor = serializers.IntegerField(source="total_minor")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class InvoiceOut(serializers.Serializer):
    """An invoice, or a credit note, as partners and webhooks see it."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    kind = serializers.ChoiceField(choices=Invoice.Kind.choices)
    number = serializers.CharField()
    status = serializers.ChoiceField(choices=Invoice.Status.choices)
    issuedAt = serializers.DateTimeField(source="issued_at")
    dueAt = serializers.DateTimeField(source="due_at")
    corrects = serializers.UUIDField(source="corrects_id", allow_null=True)
    reason = serializers.CharField()
    sourceKind = serializers.CharField(source="source_kind")
    sourceId = serializers.UUIDField(source="source_id", allow_null=True)
    customer = CustomerOut()
    currency = serializers.CharField()
    lines = serializers.SerializerMethodField()
    taxes = TaxOut(many=True)
    totals = InvoiceTotalsOut(source="*")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    @extend_schema_field(InvoiceLineOut(many=True))
    def get_lines(self, invoice: Invoice) -> Any:
        return InvoiceLineOut(invoice.lines.order_by("position"), many=True).data


class InvoiceQuery(serializers.Serializer):
    """`lang` is the PDF's language; without it, the organization's."""

    organizationId = serializers.UUIDField()
    lang = serializers.ChoiceField(choices=("en", "he"), required=False)
