"""Issuing: an invoice for what was sold, a credit note for what is taken back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config.api.exceptions import NotFound
from invoices.amounts import LineTerms, amounts_of, part_of, taxes_of
from invoices.events import INVOICE_CREDITED, INVOICE_ISSUED
from invoices.exceptions import NothingLeft
from invoices.models import Invoice, InvoiceLine, Profile
from invoices.selectors import credited_of
from partners.models import Organization, TenantModel
from webhooks.registry import EventType
from webhooks.services import event_emit

Kind, Status = Invoice.Kind, Invoice.Status
_PREFIXES = {Kind.INVOICE: "", Kind.CREDIT_NOTE: "C"}
# One statement: the row is locked from here to the transaction's end, and a rollback gives the number back.
_NEXT = """
INSERT INTO invoices_series AS held
  (id, organization_id, environment, created_at, updated_at, kind, year, last_number)
VALUES (%s, %s, %s, now(), now(), %s, %s, 1)
ON CONFLICT (organization_id, environment, kind, year)
DO UPDATE SET last_number = held.last_number + 1, updated_at = now() RETURNING last_number"""


class Credited(NamedTuple):
    """So much of a line is taken back."""

    line_id: UUID
    quantity: Decimal


@transaction.atomic
def invoice_issue(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    source: TenantModel | None,
    customer: dict[str, str],
    currency: str,
    lines: Sequence[LineTerms],
) -> Invoice:
    """Issue an invoice, in the transaction of what it is for.

    Its number is the next of its organization, environment and year (of the organization's time zone): no gap
    and no repeat, since numbers of one series are given one transaction after the other. Raises ValueError
    for an invoice without lines.
    """
    if not lines:
        raise ValueError("An invoice needs a line.")
    profile = Profile.objects.for_organization(organization_id, environment).first() or Profile()
    organization = Organization.objects.get(id=organization_id)
    now = timezone.now()
    drafts = [
        InvoiceLine(
            description=terms.description[:300],
            quantity=Decimal(terms.quantity),
            unit_price_minor=terms.unit_price_minor,
            discount_minor=terms.discount_minor,
            subtotal_minor=amounts.subtotal,
            tax_rate=Decimal(terms.tax_rate),
            tax_minor=amounts.tax,
        )
        for terms in lines
        for amounts in (amounts_of(terms),)
    ]
    invoice = Invoice(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        kind=Kind.INVOICE,
        issued_at=now,
        due_at=now + timedelta(days=profile.payment_days),
        source_kind=source._meta.label_lower.partition(".")[2] if source else "",
        source_id=source.pk if source else None,
        seller={
            "name": organization.name,
            "details": profile.details,
            "taxNumber": profile.tax_number,
            "footer": profile.footer,
            "language": profile.language,
        },
        customer=customer,
        currency=currency,
    )
    return _issued(invoice, drafts, organization, INVOICE_ISSUED)


@transaction.atomic
def credit_note_issue(
    *, invoice: Invoice, reason: str, credited: Sequence[Credited] | None = None
) -> Invoice | None:
    """Take an invoice back: what is left of it, or of `credited` lines so much.

    What was paid for it is owed to the customer then. None where nothing is left. Raises NotFound (404) for a
    line of another invoice, NothingLeft (409) for more than is left of one, and for a credit note.
    """
    invoice = (
        Invoice.objects.select_for_update(of=("self",)).select_related("organization").get(id=invoice.id)
    )
    if invoice.kind != Kind.INVOICE:
        raise NothingLeft("A credit note is not credited.")
    lines = {line.id: line for line in invoice.lines.order_by("position")}
    before = credited_of(invoice)
    if credited is None:
        left = ((line, line.quantity - before.get(line.id, Decimal(0))) for line in lines.values())
        credited = [Credited(line.id, quantity) for line, quantity in left if quantity > 0]
        if not credited:
            return None
    drafts = [_taken_back(lines, before, one) for one in credited]
    total = sum(line.subtotal_minor + line.tax_minor for line in drafts)
    note = Invoice(
        organization_id=invoice.organization_id,
        environment=invoice.environment,
        client_id=invoice.client_id,
        kind=Kind.CREDIT_NOTE,
        issued_at=(now := timezone.now()),
        due_at=now,
        corrects=invoice,
        reason=reason,
        source_kind=invoice.source_kind,
        source_id=invoice.source_id,
        seller=invoice.seller,
        customer=invoice.customer,
        currency=invoice.currency,
    )
    invoice.credited_minor += total
    invoice.status = status_of(invoice)
    invoice.save(update_fields=["credited_minor", "status", "updated_at"])
    return _issued(note, drafts, invoice.organization, INVOICE_CREDITED)


def status_of(invoice: Invoice) -> str:
    """What an invoice's amounts make of it."""
    if invoice.credited_minor == invoice.total_minor and invoice.credited_minor:
        return Status.CREDITED
    if invoice.due_minor == 0:
        return Status.PAID
    return Status.PARTLY_PAID if invoice.paid_minor else Status.ISSUED


def _taken_back(lines: dict[UUID, InvoiceLine], before: dict[UUID, Decimal], one: Credited) -> InvoiceLine:
    line = lines.get(one.line_id)
    if line is None:
        raise NotFound("The invoice has no such line.", lineId=str(one.line_id))
    gone = before.get(line.id, Decimal(0))
    if not 0 < one.quantity <= line.quantity - gone:
        raise NothingLeft(lineId=str(line.id), left=str(line.quantity - gone))
    before[line.id] = gone + one.quantity

    def share(amount: int) -> int:
        upto = part_of(amount, gone + one.quantity, line.quantity)
        return upto - part_of(amount, gone, line.quantity)

    return InvoiceLine(
        corrects=line,
        description=line.description,
        quantity=one.quantity,
        unit_price_minor=line.unit_price_minor,
        discount_minor=share(line.discount_minor),
        subtotal_minor=share(line.subtotal_minor),
        tax_rate=line.tax_rate,
        tax_minor=share(line.tax_minor),
    )


def _issued(
    invoice: Invoice, lines: Sequence[InvoiceLine], organization: Organization, event: EventType
) -> Invoice:
    invoice.subtotal_minor = sum(line.subtotal_minor for line in lines)
    invoice.tax_minor = sum(line.tax_minor for line in lines)
    invoice.total_minor = invoice.subtotal_minor + invoice.tax_minor
    invoice.taxes = taxes_of((line.tax_rate, line.subtotal_minor, line.tax_minor) for line in lines)
    invoice.status = status_of(invoice) if invoice.kind == Kind.INVOICE else Status.ISSUED
    invoice.number = _number(invoice, organization)
    invoice.save(force_insert=True)
    for position, line in enumerate(lines, 1):
        line.organization_id, line.environment = invoice.organization_id, invoice.environment
        line.invoice, line.position = invoice, position
    InvoiceLine.objects.bulk_create(lines)
    event_emit(
        event,
        subject=invoice,
        organization_id=invoice.organization_id,
        environment=invoice.environment,
        client_id=invoice.client_id,
    )
    return invoice


def _number(invoice: Invoice, organization: Organization) -> str:
    year = _local(invoice.issued_at, organization.time_zone).year
    values: list[Any] = [uuid7(), invoice.organization_id, invoice.environment, invoice.kind, year]
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, values)
        number = cursor.fetchone()[0]
    return f"{_PREFIXES[Kind(invoice.kind)]}{year}-{number:06}"


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))
