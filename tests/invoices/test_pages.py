"""Invoices in the dashboard: read, printed, paid and credited within a person's reach."""

import pypdfium2
import pytest
from django.urls import reverse

from config import tenancy
from invoices.amounts import LineTerms
from invoices.models import Invoice, Profile
from tests.factories import make_organization
from tests.pages.test_content_policy import check
from tests.people import browser, make_member

LIST, PROFILE = reverse("dashboard-invoices"), reverse("dashboard-invoice-profile")


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


def page(person, invoice, what=""):
    return person.get(reverse(f"dashboard-invoice{what}", args=[invoice.id]))


def pay(person, invoice, **given):
    form = {"amount": "18.00", "method": "Transfer", "reference": "T-1", "paid_on": "2026-11-01"}
    return person.post(reverse("dashboard-invoice-payment", args=[invoice.id]), form | given)


def credit(person, invoice, **given):
    with tenancy.operator():
        line = invoice.lines.get().id
    form = {"reason": "Returned", f"line_{line}": "1"}
    form |= {name.replace("LINE", str(line)): value for name, value in given.items()}
    return person.post(reverse("dashboard-invoice-credit", args=[invoice.id]), form)


def fresh(invoice):
    with tenancy.operator():
        return Invoice.objects.get(id=invoice.id)


def test_an_invoice_is_found_read_and_printed(manager, issue):
    invoice = issue()
    for address in (LIST, f"{LIST}?q=ada&status=issued&environment=sandbox"):
        html = manager.get(address).content.decode()
        check(html)
        assert invoice.number in html
    assert invoice.number not in manager.get(f"{LIST}?status=overdue").content.decode()
    html = page(manager, invoice).content.decode()
    check(html)
    assert "₪118.00" in html
    printed = manager.get(reverse("dashboard-invoice-pdf", args=[invoice.id]), {"lang": "he"})
    text = pypdfium2.PdfDocument(printed.content)[0].get_textpage().get_text_range()
    assert "חשבונית" in text


def test_payments_are_noted(manager, issue):
    invoice = issue()
    for bad in (
        {"amount": "118.01"},
        {"amount": "0"},
        {"amount": "1.005"},
        {"reference": ""},
        {"paid_on": "x"},
    ):
        assert pay(manager, invoice, **bad).status_code == 422, bad
    for _ in range(2):
        assert pay(manager, invoice).status_code == 302
    assert (fresh(invoice).status, fresh(invoice).paid_minor) == ("partly_paid", 1_800)
    assert pay(manager, invoice, amount="100", reference="T-2").status_code == 302
    assert fresh(invoice).status == "paid"
    html = page(manager, invoice).content.decode()
    check(html)
    assert "T-2" in html
    assert "Note a payment" not in html


def test_lines_are_credited(manager, issue):
    invoice = issue(LineTerms("Drill", 3, 1_000))
    for bad in ({"reason": ""}, {"line_LINE": "4"}, {"line_LINE": "0"}, {"line_LINE": "-1"}):
        assert credit(manager, invoice, **bad).status_code == 422, bad
    made = credit(manager, invoice)
    assert made.status_code == 302
    html = manager.get(made["Location"]).content.decode()
    check(html)
    assert "Returned" in html
    assert invoice.number in html
    assert (fresh(invoice).credited_minor, fresh(invoice).status) == (1_000, "issued")
    assert "2 left" in page(manager, invoice).content.decode()


def test_what_invoices_print_is_said_once_and_stays_on_what_was_issued(manager, issue, organization):
    before = issue()
    form = {
        "environment": "sandbox",
        "details": "Tax no. 5",
        "footer": "",
        "language": "he",
        "payment_days": 7,
    }
    assert manager.post(PROFILE, form | {"payment_days": 400}).status_code == 422
    for details in ("Tax no. 5", "Tax no. 6"):
        assert manager.post(PROFILE, form | {"details": details}).status_code == 302
    check(manager.get(PROFILE + "?environment=sandbox").content.decode())
    after = issue()
    assert (before.seller["details"], after.seller["details"], after.seller["language"]) == (
        "",
        "Tax no. 6",
        "he",
    )
    assert (after.due_at - after.issued_at).days == 7
    with tenancy.operator():
        assert Profile.objects.get().organization_id == organization.id


def test_only_the_organizations_own_people_reach_it(manager, organization, issue):
    invoice = issue()
    stranger = browser(make_member("manager", make_organization()))
    for name in ("", "-pdf", "-xml"):
        assert page(stranger, invoice, name).status_code == 404
    assert pay(stranger, invoice).status_code == 404
    assert credit(stranger, invoice).status_code == 404
    assert invoice.number not in stranger.get(LIST).content.decode()
    member = browser(make_member("member", organization))
    assert page(member, invoice, "-pdf").status_code == 200
    assert page(member, invoice, "-xml")["Content-Type"] == "application/xml"
    for answer in (pay(member, invoice), credit(member, invoice), member.get(PROFILE)):
        assert answer.status_code == 403
    assert (fresh(invoice).paid_minor, fresh(invoice).credited_minor) == (0, 0)
