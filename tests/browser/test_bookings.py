"""Bookings in a browser: a resource is made, booked, seen in its week, moved and cancelled."""

from datetime import UTC, datetime, timedelta

import pytest

from bookings.models import Booking, Resource
from bookings.services.bookings import booking_create
from config import tenancy
from partners.models import Membership
from partners.services.organizations import member_add
from tests.browser.sessions import sign_in
from tests.factories import ACTOR, make_client, make_organization, make_user


@pytest.fixture
def owner():
    organization = make_organization(name="Acme Rooms")
    person = make_user()
    member_add(organization=organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    return organization, person


def test_a_resource_is_made_booked_seen_moved_and_cancelled(page, owner, picture):
    organization, person = owner
    sign_in(page, person)
    page.goto("/dashboard/resources")
    page.get_by_role("link", name="New resource").first.click()
    page.get_by_label("Environment").select_option("production")
    page.get_by_label("Name").fill("Meeting room")
    page.get_by_label("Location").fill("Haifa, 2nd floor")
    page.get_by_label("Price").fill("90.50")
    page.get_by_label("Slot, in minutes").fill("30")
    page.get_by_label("Time zone").select_option("Asia/Jerusalem")
    page.get_by_label("Saturday").fill("nine to five")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Write it like 09:00–12:00").wait_for()
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"):
        page.get_by_label(day).fill("08:00–12:00, 13:00–20:00")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The resource can be booked.").wait_for()
    picture(page, "booking-resource")
    page.get_by_role("button", name="New address").click()
    page.locator(".secret code").wait_for()
    with tenancy.operator():
        room = Resource.objects.get(organization=organization)
        assert (room.price_minor, room.opening_hours["sat"]) == (
            9050,
            [["08:00", "12:00"], ["13:00", "20:00"]],
        )

    day = (datetime.now(UTC) + timedelta(days=7)).date()
    fill_the_week(organization, room, day)
    page.goto(f"/dashboard/bookings/new?resource={room.id}&day={day}")
    page.get_by_label("18:00").check()
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("E-mail").fill("ada@example.com")
    picture(page, "booking-new")
    page.get_by_role("button", name="Book").click()
    page.get_by_text("Booked.").wait_for()
    page.get_by_text("18:00 – 18:30").wait_for()
    picture(page, "booking")

    page.goto(f"/dashboard/bookings?week={day}")
    page.get_by_role("link", name="Ada Lovelace").wait_for()
    picture(page, "bookings")
    page.get_by_role("link", name="Ada Lovelace").click()
    page.get_by_role("link", name="Move").click()
    page.get_by_label("19:30").check()
    page.get_by_role("button", name="Move").click()
    page.get_by_text("19:30 – 20:00").wait_for()
    page.get_by_label("Reason").fill("The customer called")
    page.get_by_role("button", name="Cancel it").click()
    page.get_by_text("The time is free again.").wait_for()
    with tenancy.operator():
        booking = Booking.objects.get(customer__name="Ada Lovelace")
        assert (booking.status, booking.cancellation_reason) == ("cancelled", "The customer called")


def fill_the_week(organization, room, day):
    """Some bookings beside it, one of them only held."""
    client = make_client(organization, name="Northwind", environment="production")
    taken = ((6, 1, "Noa Bar"), (8, 2, "Yael Cohen"), (12, 1.5, "Tom Reed"))
    for number, (hour, hours, name) in enumerate(taken):
        starts = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=number - 1, hours=hour)
        with tenancy.operator():
            booking_create(
                organization_id=room.organization_id,
                environment=room.environment,
                client_id=client.id,
                resource_id=room.id,
                starts_at=starts,
                ends_at=starts + timedelta(hours=hours),
                customer={"name": name, "email": "", "phone": ""},
                actor="tests",
                hold_s=3600 if number == 2 else None,
            )
