"""What invoices announce."""

from credentials.scopes import Scope
from invoices.serializers import InvoiceOut
from webhooks.registry import EventType, event_type


def _declared(name: str, summary: str) -> EventType:
    return event_type(name, summary=summary, scope=Scope.INVOICES_READ, payload=InvoiceOut)


INVOICE_ISSUED = _declared("invoice.issued", "An invoice was issued.")
INVOICE_PAID = _declared("invoice.paid", "An invoice is paid, or what is left of it.")
INVOICE_CREDITED = _declared("invoice.credited", "A credit note was issued; `corrects` names the invoice.")
