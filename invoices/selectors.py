"""Reads of invoices."""

from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from invoices.models import Invoice, InvoiceLine


def lines_left(invoice: Invoice) -> list[tuple[InvoiceLine, Decimal]]:
    """An invoice's lines, each with what of its quantity was not credited."""
    gone = credited_of(invoice)
    return [
        (line, line.quantity - gone.get(line.id, Decimal(0))) for line in invoice.lines.order_by("position")
    ]


def credited_of(invoice: Invoice) -> dict[UUID, Decimal]:
    """How much of each line of an invoice was credited, by the line's id."""
    rows = InvoiceLine.objects.filter(corrects__invoice=invoice).values_list("corrects_id")
    return dict(rows.annotate(Sum("quantity")))


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """An invoice's lines in their order."""
    return list(invoice.lines.order_by("position"))
