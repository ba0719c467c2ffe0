"""An invoice as programs read it: UN/CEFACT Cross Industry Invoice, as Factur-X writes EN 16931."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from django.http import HttpResponse
from drafthorse.models.accounting import ApplicableTradeTax, TradeAllowanceCharge
from drafthorse.models.document import Document
from drafthorse.models.party import TaxRegistration
from drafthorse.models.payment import PaymentTerms
from drafthorse.models.tradelines import LineItem

from invoices.models import Invoice, InvoiceLine

MEDIA_TYPE = "application/xml"
_GUIDELINE, _SCHEMA = "urn:cen.eu:en16931:2017", "FACTUR-X_EN16931"
# UNTDID 1001; UN/ECE Recommendation 20: one; UNTDID 5305: standard rate, zero rate; UNTDID 5189: discount.
_KINDS = {Invoice.Kind.INVOICE: "380", Invoice.Kind.CREDIT_NOTE: "381"}
_ONE, _STANDARD, _ZERO, _DISCOUNT = "C62", "S", "Z", "95"


def invoice_xml(invoice: Invoice, lines: Sequence[InvoiceLine]) -> bytes:
    """The invoice, or credit note, as it was issued: what was paid since is no part of it.

    The schema of EN 16931 is checked. Who must satisfy its rules on contents, too, gives the organization a
    tax number (Invoices → What they print).
    """
    zone = ZoneInfo(invoice.organization.time_zone)
    document = Document()
    document.context.guideline_parameter.id = _GUIDELINE
    document.header.id = invoice.number
    document.header.type_code = _KINDS[Invoice.Kind(invoice.kind)]
    document.header.issue_date_time = _day(invoice.issued_at, zone)
    _parties(document, invoice)
    for line in lines:
        document.trade.items.add(_line(line, invoice.currency))
    document.trade.delivery.event.occurrence = _day(invoice.issued_at, zone)
    _settlement(document.trade.settlement, invoice, zone)
    return bytes(document.serialize(schema=_SCHEMA))


def xml_answer(invoice: Invoice, content: bytes) -> HttpResponse:
    """An invoice's XML, to be saved."""
    response = HttpResponse(content, content_type=MEDIA_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{invoice.number}.xml"'
    return response


def _parties(document: Document, invoice: Invoice) -> None:
    seller, buyer = document.trade.agreement.seller, document.trade.agreement.buyer
    seller.name = invoice.seller["name"]
    address = [line.strip() for line in invoice.seller["details"].splitlines() if line.strip()]
    for name, text in zip(("line_one", "line_two", "line_three"), address, strict=False):
        setattr(seller.address, name, text)
    seller.address.country_id = invoice.organization.region
    if number := invoice.seller.get("taxNumber"):
        seller.tax_registrations.add(TaxRegistration(id=("VA", number)))
    buyer.name = invoice.customer["name"]
    buyer.address.country_id = invoice.organization.region
    if email := invoice.customer.get("email"):
        buyer.electronic_address.uri_ID = ("EM", email)


def _line(line: InvoiceLine, currency: str) -> LineItem:
    item = LineItem()
    item.document.line_id = str(line.position)
    item.product.name = line.description
    item.agreement.net.amount = _amount(line.unit_price_minor, currency)
    item.delivery.billed_quantity = (line.quantity, _ONE)
    tax = item.settlement.trade_tax
    tax.type_code, tax.category_code = "VAT", _category(line.tax_rate)
    tax.rate_applicable_percent = line.tax_rate
    gross = line.quantity * line.unit_price_minor
    # what the discount took off, with what rounding did
    if line.discount_minor and (discount := round(gross) - line.subtotal_minor) > 0:
        allowance = TradeAllowanceCharge()
        allowance.indicator = False
        allowance.actual_amount = _amount(discount, currency)
        allowance.reason_code = _DISCOUNT
        item.settlement.allowance_charge.add(allowance)
    item.settlement.monetary_summation.total_amount = _amount(line.subtotal_minor, currency)
    return item


def _settlement(settlement: Any, invoice: Invoice, zone: ZoneInfo) -> None:
    currency = settlement.currency_code = invoice.currency
    settlement.payment_reference = invoice.number
    for given in invoice.taxes:
        tax = ApplicableTradeTax()
        tax.type_code, tax.category_code = "VAT", _category(Decimal(given["rate"]))
        tax.basis_amount = _amount(given["baseMinor"], currency)
        tax.calculated_amount = _amount(given["taxMinor"], currency)
        tax.rate_applicable_percent = Decimal(given["rate"])
        settlement.trade_tax.add(tax)
    terms = PaymentTerms()
    terms.due = _day(invoice.due_at, zone)
    settlement.terms.add(terms)
    sums = settlement.monetary_summation
    subtotal, total = (_amount(minor, currency) for minor in (invoice.subtotal_minor, invoice.total_minor))
    sums.line_total, sums.charge_total, sums.allowance_total = subtotal, Decimal(0), Decimal(0)
    sums.tax_basis_total = subtotal
    sums.tax_total = (_amount(invoice.tax_minor, currency), currency)
    sums.grand_total = sums.due_amount = total
    if invoice.corrects:
        settlement.invoice_referenced_document.issuer_assigned_id = invoice.corrects.number
        corrected = _day(invoice.corrects.issued_at, zone)
        settlement.invoice_referenced_document.issue_date_time = corrected


def _category(rate: Decimal) -> str:
    return _STANDARD if rate else _ZERO


def _amount(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-get_currency_precision(currency))


def _day(moment: datetime, zone: ZoneInfo) -> datetime:
    """The day on the seller's calendar; the format has no hours."""
    return moment.astimezone(zone).replace(tzinfo=UTC)
