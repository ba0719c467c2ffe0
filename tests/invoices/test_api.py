"""Invoices by API (contract A): JSON or PDF, issued by orders and bookings."""

import secrets
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pypdfium2
import pytest

from bookings.services.resources import resource_create
from config import tenancy
from credentials.scopes import Scope
from invoices.amounts import LineTerms
from invoices.services.issuing import credit_note_issue
from invoices.services.profiles import profile_save
from tests.factories import ACTOR, make_key
from tests.partner import Partner
from tests.rentals.conftest import ask, make_item, rent  # noqa: F401 (fixtures)
from webhooks.models import Event

ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def read(partner, invoice_id, accept="application/json", **query):
    named = {"organizationId": partner.organization_id} | query
    return partner.get(f"/invoices/{invoice_id}", headers={"Accept": accept}, **named)


def text_of(pdf):
    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_range() for page in document]


def events(name):
    with tenancy.operator():
        return [row.data for row in Event.objects.filter(type=name).order_by("created_at", "id")]


def post(partner, path, **body):
    full = {"organizationId": partner.organization_id} | body
    return partner.post(path, full, headers={"Idempotency-Key": secrets.token_hex(8)})


def test_an_order_yields_an_invoice_and_its_cancellation_a_credit_note(partner, rent, make_item, ask):  # noqa: F811
    order = rent(make_item(tax_rate=Decimal("17.5")), 2).json()
    invoice = read(partner, order["invoiceId"]).json()
    year = datetime.now(UTC).year
    assert (invoice["number"], invoice["kind"], invoice["status"]) == (f"{year}-000001", "invoice", "issued")
    assert (invoice["sourceKind"], invoice["sourceId"]) == ("order", order["id"])
    assert invoice["totals"] == {
        "subtotalMinor": 10_000, "taxMinor": 1_750, "totalMinor": 11_750, "paidMinor": 0, "creditedMinor": 0,
        "dueMinor": 11_750, "refundDueMinor": 0, "currency": "ILS",
    }  # fmt: skip
    assert invoice["taxes"] == [{"rate": "17.50", "baseMinor": 10_000, "taxMinor": 1_750}]
    assert invoice["lines"][0]["description"].startswith("Drill, ")
    assert invoice["customer"] == order["customer"]
    assert events("invoice.issued") == [invoice]
    ask(f"/{order['id']}/cancel", reason="rain")
    invoice = read(partner, order["invoiceId"]).json()
    assert (invoice["status"], invoice["totals"]["dueMinor"]) == ("credited", 0)
    (note,) = events("invoice.credited")
    assert (note["number"], note["corrects"], note["reason"]) == (f"C{year}-000001", invoice["id"], "rain")
    assert note["totals"]["totalMinor"] == 11_750


def test_a_refused_order_leaves_no_gap(partner, rent, make_item):  # noqa: F811
    item = make_item()
    numbers = [
        read(partner, answer.json()["invoiceId"]).json()["number"][-6:]
        for answer in [rent(item, quantity) for quantity in (1, 2, 1)]
        if answer.status_code == 201
    ]
    assert numbers == ["000001", "000002"]
    assert rent(item, 1, begin=5, quote=True).json()["invoiceId"] is None


def test_a_booking_with_a_price_yields_an_invoice(partner, organization):
    with tenancy.operator():
        room = resource_create(
            organization_id=organization.id, environment="sandbox", name="Room", actor=ACTOR,
            opening_hours=ALWAYS, price_minor=9_000, tax_rate=Decimal(18),
        )  # fmt: skip
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)

    def times(hours, start=begin):
        return {"startsAt": start.isoformat(), "endsAt": (start + timedelta(hours=hours)).isoformat()}

    given = {"resourceId": str(room.id), "customer": {"name": "Ada"}}
    booking = post(partner, "/bookings", **given, **times(2)).json()
    first = read(partner, booking["invoiceId"]).json()
    assert (first["totals"]["totalMinor"], first["sourceKind"]) == (21_240, "booking")
    path = f"/bookings/{booking['id']}"
    same = post(partner, f"{path}/reschedule", **times(2, begin + timedelta(days=1))).json()
    assert same["invoiceId"] == first["id"], "another time at the same price"
    longer = post(partner, f"{path}/reschedule", **times(3)).json()
    assert read(partner, first["id"]).json()["status"] == "credited"
    second = read(partner, longer["invoiceId"]).json()
    assert second["totals"]["totalMinor"] == 31_860
    post(partner, f"{path}/cancel")
    assert read(partner, second["id"]).json()["status"] == "credited"
    held = post(partner, "/bookings", **given, **times(1), hold=True).json()
    assert held["invoiceId"] is None
    assert post(partner, f"/bookings/{held['id']}/confirm").json()["invoiceId"]


def test_the_accept_header_chooses_json_or_pdf(partner, issue):
    invoice = issue()
    for accept in ("application/json", "*/*"):
        assert read(partner, invoice.id, accept).json()["number"] == invoice.number
    answer = read(partner, invoice.id, "application/pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert f'filename="{invoice.number}.pdf"' in answer["Content-Disposition"]
    (page,) = text_of(answer.content)
    for said in (f"Invoice\r\n{invoice.number}", "Ada Lovelace", "Drill", "Tax 18% of ₪100.00", "₪118.00"):
        assert said in page, page
    assert read(partner, invoice.id, "image/png").status_code == 406


NS = {
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
}


def test_a_program_reads_an_invoice_and_its_credit_note(partner, issue, organization):
    with tenancy.operator():
        profile_save(
            organization_id=organization.id, environment="sandbox", actor=ACTOR, tax_number="DE123456789",
            details="5 Harbour Street\nHaifa",
        )  # fmt: skip
    invoice = issue(
        LineTerms("Drill & bits <13>", 2, 5_000, 18, 333), LineTerms("Ladder", Decimal("1.5"), 1_001)
    )
    answer = read(partner, invoice.id, "application/xml")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml")

    def said(content, path):
        return [one.text for one in ElementTree.fromstring(content).iterfind(f".//{path}", NS)]

    xml = answer.content
    assert said(xml, "rsm:ExchangedDocument/ram:ID") == [invoice.number]
    assert said(xml, "rsm:ExchangedDocument/ram:TypeCode") == ["380"]
    assert said(xml, "ram:SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID") == ["DE123456789"]
    assert said(xml, "ram:SpecifiedTradeProduct/ram:Name") == ["Drill & bits <13>", "Ladder"]
    lines = said(xml, "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount")
    sums = "ram:SpecifiedTradeSettlementHeaderMonetarySummation/ram:"
    (subtotal,), (tax,) = said(xml, f"{sums}TaxBasisTotalAmount"), said(xml, f"{sums}TaxTotalAmount")
    assert sum(map(Decimal, lines)) == Decimal(subtotal) == Decimal("111.69")
    taxes = said(xml, "ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:CalculatedAmount")
    assert sum(map(Decimal, taxes)) == Decimal(tax)
    assert said(xml, f"{sums}GrandTotalAmount") == said(xml, f"{sums}DuePayableAmount")
    with tenancy.operator():
        note = credit_note_issue(invoice=invoice, reason="rain")
    xml = read(partner, note.id, "application/xml").content
    assert said(xml, "rsm:ExchangedDocument/ram:TypeCode") == ["381"]
    assert said(xml, "ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == [invoice.number]


def test_hebrew_reads_from_the_right(partner, issue, organization):
    with tenancy.operator():
        profile_save(
            organization_id=organization.id, environment="sandbox", actor=ACTOR, language="he",
            details="ח.פ. 512345678\nרחוב הנמל 5, חיפה", footer="תודה!", payment_days=10,
        )  # fmt: skip
    period = "01.12.2026 08:00 – 03.12.2026 08:00"
    invoice = issue(LineTerms(f"מקדחה Bosch GSB 13 כולל מטען וסוללה, {period}", 2, 5_000, 18, 250))
    (page,) = text_of(read(partner, invoice.id, "application/pdf").content)
    for said in ("חשבונית מס", "סה״כ", "מקדחה", "Bosch", "512345678", "תודה", "-2.50"):
        assert said in page, page
    assert any("01.12.2026" in line and "03.12.2026" in line for line in page.splitlines()), "one line"
    (page,) = text_of(read(partner, invoice.id, "application/pdf", lang="en").content)
    assert "Invoice" in page
    assert read(partner, invoice.id, lang="fr").status_code == 400


def test_a_long_invoice_goes_over_pages(partner, issue):
    invoice = issue(*(LineTerms(f"Item {number}", 1, 100, 18, 10) for number in range(80)))
    pages = text_of(read(partner, invoice.id, "application/pdf").content)
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert "Item" in page or number == len(pages)
    assert "₪84.80" in pages[-1]


def test_invoices_are_listed(partner, issue):
    for _ in range(3):
        issue()
    named = {"organizationId": partner.organization_id}
    answer = partner.get("/invoices", **named, sortBy="number", sortOrder="asc", search="ada").json()
    assert [row["number"][-1] for row in answer["data"]] == ["1", "2", "3"]
    assert partner.get("/invoices", **named, status="paid").json()["pagination"]["total"] == 0
    assert partner.get("/invoices", **named, status="lost").status_code == 400


def test_another_tenants_invoices_do_not_exist(issue, other_partner, organization):
    invoice = issue()
    for accept in ("application/json", "application/pdf", "application/xml"):
        assert read(other_partner, invoice.id, accept).status_code == 404
    assert other_partner.get("/invoices", organizationId=other_partner.organization_id).json()["data"] == []
    stranger = Partner(make_key(organization, scopes=[Scope.LEADS_READ]))
    assert read(stranger, invoice.id).status_code == 403


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
def test_every_currency_has_its_own_digits(partner, issue, currency):
    invoice = issue(LineTerms("Thing", 1, 123_456), currency=currency)
    (page,) = text_of(read(partner, invoice.id, "application/pdf").content)
    assert {"JPY": "123,456", "EUR": "1,234.56", "KWD": "123.456"}[currency] in page
