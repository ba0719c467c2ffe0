"""Section A: bookings, and when a resource is free."""

import secrets
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from django.utils import timezone

from bookings.models import Booking
from bookings.services.bookings import holds_expire
from bookings.services.resources import resource_feed_renew
from config import tenancy
from credentials.scopes import Scope
from tests.bookings.conftest import ALWAYS, times
from tests.factories import ACTOR, make_key
from tests.partner import Partner
from webhooks.models import Event

FROM_11_TO_15 = {day: [["11:00", "15:00"]] for day in ALWAYS}
FIELDS = {
    "id", "organizationId", "resourceId", "startsAt", "endsAt", "customer", "status", "expiresAt",
    "priceMinor", "currency", "cancellationReason", "invoiceId", "createdAt", "updatedAt",
}  # fmt: skip


def events():
    with tenancy.operator():
        return list(
            Event.objects.filter(type__startswith="booking.")
            .order_by("created_at", "id")
            .values_list("type", flat=True)
        )


def overdue(booking_id):
    with tenancy.operator():
        past = timezone.now() - timedelta(seconds=1)
        Booking.objects.filter(id=booking_id).update(expires_at=past)


def test_a_booking_is_made_listed_read_and_announced(make_resource, book, partner):
    answer = book(make_resource(price_minor=12_000), hours=1.5)
    booking = answer.json()
    assert answer.status_code == 201, booking
    assert set(booking) == FIELDS
    assert (booking["status"], booking["priceMinor"], booking["expiresAt"]) == ("confirmed", 24_000, None)
    assert booking["customer"] == {"name": "Ada", "email": "ada@a.example", "phone": ""}
    listed = partner.get("/bookings", organizationId=partner.organization_id, search="ada@").json()
    assert listed["data"] == [booking]
    read = partner.get(f"/bookings/{booking['id']}", organizationId=partner.organization_id).json()
    history = read.pop("history")
    assert read == booking
    assert [entry["action"] for entry in history] == ["booked"]
    assert events() == ["booking.created"]


def test_two_bookings_never_overlap_and_adjacent_ones_both_succeed(make_resource, book):
    room = make_resource()
    assert book(room, 0, 2).status_code == 201
    for hour, hours in ((0, 2), (1, 2), (-1, 2), (0.5, 0.5), (-1, 4)):
        refused = book(room, hour, hours)
        assert (refused.status_code, refused.json()["error"]) == (409, "CONFLICT")
    assert book(room, 2, 1).status_code == 201
    assert book(room, -1, 1).status_code == 201


def test_as_many_fit_beside_each_other_as_there_are_places(make_resource, book):
    court = make_resource(capacity=2)
    assert [book(court, 0, 2).status_code for _ in range(3)] == [201, 201, 409]
    assert [book(court, 1, 2).status_code, book(court, 2, 1).status_code] == [409, 201]


def test_a_resource_rests_after_each_booking(make_resource, book):
    room = make_resource(buffer_minutes=30)
    assert book(room, 0, 1).status_code == 201
    assert book(room, 1, 1).status_code == 409
    assert book(room, 1.5, 1).status_code == 201


def test_a_hold_keeps_others_out_until_it_expires(make_resource, book, ask):
    room = make_resource()
    held = book(room, hold=True).json()
    assert held["status"] == "held"
    assert 290 < (datetime.fromisoformat(held["expiresAt"]) - datetime.now(UTC)).total_seconds() <= 300
    assert book(room).status_code == 409
    overdue(held["id"])
    assert book(room).status_code == 201, "an expired hold keeps nobody out, swept or not"
    late = ask(f"/{held['id']}/confirm")
    assert (late.status_code, late.json()["error"]) == (409, "INVALID_TRANSITION")
    assert late.json()["details"]["allowed"] == []
    assert events() == ["booking.created", "booking.expired", "booking.created"]


def test_a_hold_is_confirmed_in_time(make_resource, book, ask):
    held = book(make_resource(), hold=True, holdSeconds=60).json()
    confirmed = ask(f"/{held['id']}/confirm").json()
    assert (confirmed["id"], confirmed["status"], confirmed["expiresAt"]) == (held["id"], "confirmed", None)
    again = ask(f"/{held['id']}/confirm")
    assert (again.status_code, again.json()["details"]["allowed"]) == (409, ["reschedule", "cancel"])


def test_the_sweep_ends_holds_once(make_resource, book):
    held = book(make_resource(), hold=True).json()
    assert holds_expire() == 0
    overdue(held["id"])
    assert [holds_expire(), holds_expire()] == [1, 0]
    assert events() == ["booking.created", "booking.expired"]


def test_a_booking_is_moved_under_its_id_and_its_history_kept(make_resource, book, ask, partner):
    room = make_resource()
    first, other = book(room, 0, 1).json(), book(room, 3, 1).json()
    starts, ends = times(3, 1)
    refused = ask(f"/{first['id']}/reschedule", startsAt=starts, endsAt=ends)
    assert refused.status_code == 409
    starts, ends = times(0.5, 1)
    moved = ask(f"/{first['id']}/reschedule", startsAt=starts, endsAt=ends).json()
    assert (moved["id"], moved["startsAt"]) == (first["id"], starts.replace("+00:00", "Z"))
    read = partner.get(f"/bookings/{first['id']}", organizationId=partner.organization_id).json()
    assert [entry["action"] for entry in read["history"]] == ["booked", "rescheduled"]
    assert read["history"][1]["details"]["startsAt"] == first["startsAt"].replace("Z", "+00:00")
    elsewhere = make_resource(name="Room 2")
    starts, ends = times(3, 1)
    asked = {"startsAt": starts, "endsAt": ends, "resourceId": str(elsewhere.id)}
    assert ask(f"/{first['id']}/reschedule", **asked).json()["resourceId"] == str(elsewhere.id)
    assert other["status"] == "confirmed"


def test_a_cancelled_booking_gives_its_time_back(make_resource, book, ask):
    room = make_resource()
    booking = book(room).json()
    cancelled = ask(f"/{booking['id']}/cancel", reason="Ill").json()
    assert (cancelled["status"], cancelled["cancellationReason"]) == ("cancelled", "Ill")
    assert book(room).status_code == 201
    again = ask(f"/{booking['id']}/cancel")
    assert (again.status_code, again.json()["error"]) == (409, "INVALID_TRANSITION")


def test_partners_keep_a_resources_notice(make_resource, book, ask):
    booking = book(make_resource(notice_minutes=7 * 24 * 60)).json()
    starts, ends = times(5, 1)
    for path, body in (("cancel", {}), ("reschedule", {"startsAt": starts, "endsAt": ends})):
        refused = ask(f"/{booking['id']}/{path}", **body)
        assert (refused.status_code, refused.json()["details"]["reason"]) == (422, "too_late")


@pytest.mark.parametrize(
    ("terms", "hour", "hours", "reason"),
    [
        ({"opening_hours": {}}, 0, 1, "outside_opening_hours"),
        ({"slot_minutes": 30}, 0.25, 0.5, "not_a_slot"),
        ({"slot_minutes": 30}, 0, 0.75, "not_a_slot"),
        ({"is_active": False}, 0, 1, "resource_inactive"),
        ({}, -72, 1, "in_the_past"),
        ({}, 24 * 4000, 1, "too_far_ahead"),
    ],
)
def test_what_the_resource_does_not_allow_is_said(make_resource, book, terms, hour, hours, reason):
    refused = book(make_resource(**terms), hour, hours)
    assert (refused.status_code, refused.json()["error"]) == (422, "BUSINESS_RULE")
    assert refused.json()["details"]["reason"] == reason
    assert events() == []


def test_bad_bookings_are_refused_field_by_field(make_resource, book, ask):
    room = make_resource()
    starts, ends = times()
    assert set(ask().json()["details"]) >= {"resourceId", "startsAt", "endsAt", "customer"}
    assert "endsAt" in book(room, startsAt=ends, endsAt=starts).json()["details"]
    assert book(room, customer={"name": ""}).status_code == 400
    assert book(room, customer={"name": "A", "email": "nobody"}).status_code == 400
    assert book(room, hold=True, holdSeconds=1).status_code == 400
    assert book(room, startsAt="0001-01-01T00:00:00+14:00").status_code == 400


def test_other_tenants_resources_and_bookings_are_not_there(make_resource, book, other_partner):
    room = make_resource()
    booking = book(room).json()
    named = {"organizationId": other_partner.organization_id}
    starts, ends = times(5, 1)
    body = named | {"startsAt": starts, "endsAt": ends}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    answers = [
        other_partner.get(f"/bookings/{booking['id']}", **named),
        other_partner.get(f"/bookings/{booking['id']}/calendar.ics", **named),
        other_partner.get(
            f"/resources/{room.id}/availability", **named, **{"from": "2026-01-01", "to": "2026-01-02"}
        ),
        other_partner.post(f"/bookings/{booking['id']}/cancel", named, headers=headers),
        other_partner.post(f"/bookings/{booking['id']}/confirm", named, headers=headers),
        other_partner.post(f"/bookings/{booking['id']}/reschedule", body, headers=headers),
        other_partner.post(
            "/bookings",
            body | {"resourceId": str(room.id), "customer": {"name": "Eve"}},
            headers={"Idempotency-Key": secrets.token_hex(8)},
        ),
    ]
    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(404, "NOT_FOUND")}
    with tenancy.operator():
        assert Booking.objects.get().status == "confirmed"


def partner_with(organization, **given):
    return Partner(make_key(organization, **given))


def test_scopes_guard_reading_and_writing(make_resource, organization, book):
    room = make_resource()
    booking = book(room).json()
    reader = partner_with(organization, scopes=[Scope.BOOKINGS_READ])
    named = {"organizationId": reader.organization_id}
    assert reader.get("/bookings", **named).status_code == 200
    refused = reader.post(f"/bookings/{booking['id']}/cancel", named, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["details"]["reason"]) == (403, "missing_scope")
    stranger = partner_with(organization, scopes=[Scope.LEADS_READ])
    assert stranger.get("/resources", **named).status_code == 403


def test_a_write_needs_an_idempotency_key_and_is_replayed_by_it(make_resource, ask, partner):
    room = make_resource()
    starts, ends = times()
    body = {"resourceId": str(room.id), "startsAt": starts, "endsAt": ends, "customer": {"name": "Ada"}}
    without = partner.post("/bookings", body | {"organizationId": partner.organization_id})
    assert without.json()["error"] == "IDEMPOTENCY_KEY_REQUIRED"
    first, again = ask(key="same", **body), ask(key="same", **body)
    assert (first.content, again.headers["Idempotent-Replayed"]) == (again.content, "true")


def availability(partner, room, first, last=None):
    return partner.get(
        f"/resources/{room.id}/availability",
        organizationId=partner.organization_id,
        **{"from": first, "to": last or first},
    )


def test_slots_say_how_many_places_are_free(make_resource, book, partner):
    court = make_resource(
        slot_minutes=60,
        capacity=2,
        opening_hours=FROM_11_TO_15,
    )
    book(court, 0, 2)
    book(court, 1, 1)
    day = times()[0][:10]
    found = availability(partner, court, day).json()
    assert (found["timeZone"], found["slotMinutes"]) == ("UTC", 60)
    assert [slot["free"] for slot in found["data"]] == [2, 1, 0, 2]
    assert found["data"][0]["startsAt"] == f"{day}T11:00:00Z"


def test_what_is_free_can_be_booked_rest_and_all(make_resource, book, partner, ask):
    room = make_resource(slot_minutes=60, buffer_minutes=30)
    book(room, 0, 1)
    day = times()[0][:10]
    for slot in availability(partner, room, day).json()["data"]:
        asked = {"startsAt": slot["startsAt"], "endsAt": slot["endsAt"], "customer": {"name": "Ada"}}
        answer = ask(resourceId=str(room.id), hold=True, **asked)
        assert answer.status_code == (201 if slot["free"] else 409), slot
        if answer.status_code == 201:
            ask(f"/{answer.json()['id']}/cancel")


def test_without_slots_the_free_stretches_are_told(make_resource, book, partner):
    room = make_resource(opening_hours=FROM_11_TO_15)
    book(room, 0, 1)
    found = availability(partner, room, times()[0][:10]).json()["data"]
    assert [(slot["startsAt"][11:16], slot["endsAt"][11:16], slot["free"]) for slot in found] == [
        ("11:00", "12:00", 1), ("12:00", "13:00", 0), ("13:00", "15:00", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "days",
    [("2026-02-02", "2026-02-01"), ("2026-01-01", "2026-12-31"), ("soon", "2026-01-01"), ("9999-12-31",) * 2],
)
def test_bad_ranges_of_availability_are_refused(make_resource, partner, days):
    assert availability(partner, make_resource(), *days).status_code == 400


def test_a_booking_is_an_icalendar_event(make_resource, book, ask, partner):
    booking = book(make_resource(location="Haifa; 2nd floor")).json()
    path = f"/bookings/{booking['id']}/calendar.ics"

    def event():
        answer = partner.get(path, organizationId=partner.organization_id)
        assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        (found,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
        return found

    first = event()
    assert first.decoded("DTSTART") == datetime.fromisoformat(booking["startsAt"])
    assert (first["LOCATION"], first["STATUS"], first["SEQUENCE"]) == ("Haifa; 2nd floor", "CONFIRMED", 0)
    ask(f"/{booking['id']}/cancel")
    second = event()
    assert (second["UID"], second["STATUS"], second["SEQUENCE"]) == (first["UID"], "CANCELLED", 1)


def test_a_resources_calendar_is_read_by_who_knows_its_address(make_resource, book, client):
    room = make_resource()
    book(room)
    with tenancy.operator():
        old = resource_feed_renew(resource_id=room.id, actor=ACTOR)
        token = resource_feed_renew(resource_id=room.id, actor=ACTOR)
    feed = client.get(f"/calendars/{token}.ics")
    (event,) = icalendar.Calendar.from_ical(feed.content).walk("VEVENT")
    assert event["SUMMARY"] == "Room 1: Ada"
    assert client.get(f"/calendars/{old}.ics").status_code == 404
