"""Money that comes in."""

from datetime import datetime

from django.db import transaction

from invoices.events import INVOICE_PAID
from invoices.exceptions import MoreThanDue
from invoices.models import Invoice, Payment
from invoices.services.issuing import status_of
from partners.services.audit import Actor, audit_record
from webhooks.services import event_emit


@transaction.atomic
def payment_record(
    *, invoice: Invoice, amount_minor: int, method: str, reference: str, paid_at: datetime, actor: Actor
) -> Payment:
    """Note money received; the same reference again is the same payment.

    Raises MoreThanDue (409), also for a credit note.
    """
    invoice = Invoice.objects.select_for_update(of=("self",)).get(id=invoice.id)
    if known := invoice.payments.filter(reference=reference).first():
        return known
    if not 0 < amount_minor <= invoice.due_minor:
        raise MoreThanDue(dueMinor=invoice.due_minor)
    payment = Payment.objects.create(
        organization_id=invoice.organization_id,
        environment=invoice.environment,
        invoice=invoice,
        amount_minor=amount_minor,
        method=method,
        reference=reference,
        paid_at=paid_at,
        actor=actor.name,
    )
    invoice.paid_minor += amount_minor
    invoice.status = status_of(invoice)
    invoice.save(update_fields=["paid_minor", "status", "updated_at"])
    audit_record(
        actor=actor,
        action="payment.record",
        target=payment,
        organization_id=invoice.organization_id,
        after={"invoice": invoice.number, "amount_minor": amount_minor, "reference": reference},
    )
    if invoice.status == Invoice.Status.PAID:
        event_emit(
            INVOICE_PAID,
            subject=invoice,
            organization_id=invoice.organization_id,
            environment=invoice.environment,
            client_id=invoice.client_id,
        )
    return payment
