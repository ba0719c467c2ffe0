"""Resources to book."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from bookings.services.resources import resource_create
from config import tenancy
from tests.factories import ACTOR

ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@pytest.fixture
def make_resource(organization):
    """A resource of the partner's organization, open always unless said otherwise."""

    def made(**terms):
        with tenancy.operator():
            return resource_create(
                **{
                    "organization_id": organization.id,
                    "environment": "sandbox",
                    "actor": ACTOR,
                    "name": "Room 1",
                    "opening_hours": ALWAYS,
                }
                | terms
            )

    return made


@pytest.fixture
def ask(partner):
    """POST to a path of bookings as section A asks: with organizationId and an idempotency key."""

    def asked(path="", key=None, **body):
        full = {"organizationId": partner.organization_id} | body
        return partner.post(
            f"/bookings{path}", full, headers={"Idempotency-Key": key or secrets.token_hex(8)}
        )

    return asked


@pytest.fixture
def book(ask):
    """Book a resource from so many hours after noon of the day after tomorrow."""

    def booked(resource, hour=0.0, hours=1.0, **given):
        starts, ends = times(hour, hours)
        body = {"startsAt": starts, "endsAt": ends, "customer": {"name": "Ada", "email": "ada@a.example"}}
        return ask(resourceId=str(resource.id), **(body | given))

    return booked


def times(hour=0.0, hours=1.0):
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=2)
    starts = noon + timedelta(hours=hour)
    return starts.isoformat(), (starts + timedelta(hours=hours)).isoformat()
