"""Somebody books in a browser, sees the calendar and gets the invoice as PDF; it is paid and credited."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pypdfium2

from bookings.services.resources import resource_create
from config import tenancy
from invoices.models import Invoice
from partners.models import Membership
from partners.services.organizations import member_add
from tests.bookings.conftest import ALWAYS
from tests.browser.sessions import sign_in
from tests.factories import ACTOR, make_organization, make_user


def test_a_booking_its_calendar_and_its_invoice(page, picture):
    organization = make_organization(name="Acme Rooms", time_zone="Asia/Jerusalem")
    person = make_user()
    member_add(organization=organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    with tenancy.operator():
        room = resource_create(
            organization_id=organization.id, environment="production", name="Meeting room", actor=ACTOR,
            opening_hours=ALWAYS, slot_minutes=60, price_minor=9_000, tax_rate=Decimal(18),
        )  # fmt: skip
    sign_in(page, person)
    page.goto("/dashboard/invoices/profile")
    page.get_by_label("Address and tax number").fill("5 Harbour Street, Haifa\nTax no. 512345678")
    page.get_by_label("Below the total").fill("Please pay by bank transfer.")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Invoices from now on print this.").wait_for()

    day = (datetime.now(UTC) + timedelta(days=7)).date()
    page.goto(f"/dashboard/bookings/new?resource={room.id}&day={day}")
    page.get_by_label("10:00").check()
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_role("button", name="Book").click()
    page.get_by_text("Booked.").wait_for()
    page.goto(f"/dashboard/bookings?week={day}")
    page.get_by_role("link", name="Ada Lovelace").click()
    with tenancy.operator():
        invoice = Invoice.objects.get()
    page.get_by_role("link", name=invoice.number).click()
    page.get_by_role("heading", name=f"Invoice {invoice.number}").wait_for()
    address = page.get_by_role("link", name="PDF · English").get_attribute("href")
    answer = page.request.get(address)
    text = pypdfium2.PdfDocument(answer.body())[0].get_textpage().get_text_range()
    for said in (
        invoice.number,
        "Acme Rooms",
        "Tax no. 512345678",
        "Ada Lovelace",
        "Meeting room",
        "₪106.20",
    ):
        assert said in text, text

    page.get_by_label("Amount").fill("50")
    page.get_by_label("Reference").fill("T-2026-1")
    page.get_by_role("button", name="Note it").click()
    page.get_by_text("The payment is noted.").wait_for()
    picture(page, "invoice")
    page.get_by_label("Reason").fill("Cancelled in time")
    page.get_by_role("button", name="Issue the credit note").click()
    page.get_by_text("The credit note is issued.").wait_for()
    page.goto("/dashboard/invoices")
    page.get_by_text("credit note").wait_for()
    with tenancy.operator():
        assert Invoice.objects.get(kind="invoice").refund_due_minor == 5_000
