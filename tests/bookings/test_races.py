"""The last slot, and fifty who want it; and a model that never disagrees."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.range import TimestamptzRange

from bookings.exceptions import SlotTaken
from bookings.models import Booking, Resource
from bookings.services import bookings
from bookings.services.bookings import booking_cancel, booking_create, booking_reschedule
from config import tenancy
from tests.racing import race, without_constraint

DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)


def place(resource, begin, hours, actor="tests"):
    with tenancy.tenant(resource.organization_id, resource.environment):
        return booking_create(
            organization_id=resource.organization_id,
            environment=resource.environment,
            client_id=None,
            resource_id=resource.id,
            starts_at=DAY + timedelta(hours=begin),
            ends_at=DAY + timedelta(hours=begin + hours),
            customer={"name": "Ada", "email": "", "phone": ""},
            actor=actor,
        )


def unlocked(organization_id, environment, resource_id):
    """What `_resource` does, without its lock."""
    return Resource.objects.for_organization(organization_id, environment).get(id=resource_id)


@pytest.fixture
def guards(request, monkeypatch):
    """Only the guards that are named: the lock on the resource, and the constraint."""
    if "lock" not in request.param:
        monkeypatch.setattr(bookings, "_resource", unlocked)
    if "constraint" in request.param:
        yield
    else:
        with without_constraint("bookings_booking", "booking_no_overlap"):
            yield


def raced(book, room, number=50):
    answers = race(number, lambda _: book(room), table="bookings_booking")
    with tenancy.operator():
        assert Booking.objects.count() == sum(answer.status_code == 201 for answer in answers)
    return Counter((answer.status_code, answer.json().get("error")) for answer in answers)


@pytest.mark.parametrize("guards", ["lock and constraint", "lock"], indirect=True)
def test_fifty_want_the_last_slot_and_one_gets_it(make_resource, book, guards):
    assert raced(book, make_resource()) == {(201, None): 1, (409, "CONFLICT"): 49}


@pytest.mark.parametrize("guards", ["constraint"], indirect=True)
def test_the_constraint_alone_lets_one_in(make_resource, book, guards):
    """Those it refuses may wait for each other until PostgreSQL ends one: that is what the lock is for."""
    answers = raced(book, make_resource(), 6)
    assert answers.pop((201, None)) == 1
    assert answers.keys() <= {(409, "CONFLICT"), (503, "SERVICE_UNAVAILABLE")}


@pytest.mark.parametrize("guards", ["neither"], indirect=True)
def test_without_the_lock_and_the_constraint_several_would_get_it(make_resource, book, guards):
    """The negative control of the test above: the race is one."""
    assert raced(book, make_resource())[201, None] > 1


def test_fifty_want_the_last_place_of_a_resource_that_has_three(make_resource, book):
    court = make_resource(capacity=3)
    assert {book(court).status_code for _ in range(2)} == {201}
    answers = race(50, lambda _: book(court).status_code, table="bookings_booking")
    assert Counter(answers) == {201: 1, 409: 49}


def test_adjacent_bookings_at_once_all_succeed(make_resource, book):
    room = make_resource()
    assert set(race(8, lambda hour: book(room, hour).status_code, table="bookings_booking")) == {201}


def test_the_database_itself_refuses_an_overlap(make_resource):
    """Past the code, by a row written by hand."""
    room = make_resource()
    first = place(room, 9, 2)
    twin = {
        "organization_id": room.organization_id,
        "environment": room.environment,
        "resource": room,
        "starts_at": first.starts_at + timedelta(hours=1),
        "ends_at": first.ends_at + timedelta(hours=1),
        "customer": {"name": "Eve"},
        "currency": "ILS",
        "status": "confirmed",
    }
    blocks = TimestamptzRange(twin["starts_at"], twin["ends_at"])
    with pytest.raises(IntegrityError, match="booking_no_overlap"), tenancy.operator():
        Booking.objects.create(**twin, blocks=blocks)
    with tenancy.operator():
        Booking.objects.create(**twin, blocks=blocks, place=2)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["book", "book", "book", "cancel", "move"]),
        st.integers(0, 11),
        st.integers(1, 4),
        st.integers(0, 100),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, capacity=st.integers(1, 3))
def test_random_bookings_agree_with_a_simple_model(make_resource, steps, capacity):
    room = make_resource(capacity=capacity)
    model: dict[Booking, tuple[int, int]] = {}

    def fits(begin, hours, but=None):
        others = [taken for booking, taken in model.items() if booking is not but]
        return all(
            sum(start <= hour < end for start, end in others) < capacity
            for hour in range(begin, begin + hours)
        )

    for step, begin, hours, which in steps:
        chosen = list(model)[which % len(model)] if model else None
        if step == "book":
            try:
                made = place(room, begin, hours)
            except SlotTaken:
                assert not fits(begin, hours)
            else:
                assert fits(begin, hours)
                model[made] = (begin, begin + hours)
        elif chosen is not None:
            with tenancy.tenant(room.organization_id, room.environment):
                if step == "cancel":
                    booking_cancel(booking=chosen, reason="", actor="tests")
                    del model[chosen]
                    continue
                start = DAY + timedelta(hours=begin)
                try:
                    booking_reschedule(
                        booking=chosen,
                        starts_at=start,
                        ends_at=start + timedelta(hours=hours),
                        actor="tests",
                    )
                except SlotTaken:
                    assert not fits(begin, hours, but=chosen)
                else:
                    assert fits(begin, hours, but=chosen)
                    model[chosen] = (begin, begin + hours)
