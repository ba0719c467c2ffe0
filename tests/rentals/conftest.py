"""An inventory, and orders of it."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from config import tenancy
from rentals.services.items import item_create
from tests.factories import ACTOR

DAY = timedelta(days=1)


@pytest.fixture
def make_item(organization):
    """An item of the partner's organization: two drills, 50.00 a day, 17 % tax."""

    def made(**terms):
        with tenancy.operator():
            return item_create(
                **{
                    "organization_id": organization.id,
                    "environment": "sandbox",
                    "actor": ACTOR,
                    "name": "Drill",
                    "quantity": 2,
                    "price_day_minor": 5_000,
                    "tax_rate": 17,
                }
                | terms
            )

    return made


@pytest.fixture
def ask(partner):
    """POST to a path of rentals as section A asks: with organizationId and an idempotency key."""

    def asked(path="", key=None, **body):
        full = {"organizationId": partner.organization_id} | body
        return partner.post(f"/rentals{path}", full, headers={"Idempotency-Key": key or secrets.token_hex(8)})

    return asked


@pytest.fixture
def rent(ask):
    """Order so many of an item for these days, counted from the day after tomorrow."""

    def rented(item, quantity=1, begin=0.0, days=1.0, **given):
        lines = [{"itemId": str(item.id), "quantity": quantity}]
        body = {**times(begin, days), "customer": {"name": "Ada", "email": "ada@a.example"}, "lines": lines}
        return ask(**(body | given))

    return rented


@pytest.fixture
def free(partner):
    """What availability answers of one item: (whole time, each day)."""

    def asked(item, first, last, **query):
        answer = partner.get(
            "/inventory/availability",
            **({"organizationId": partner.organization_id, "itemId": str(item.id)} | query),
            **{"from": day(first), "to": day(last)},
        )
        assert answer.status_code == 200, answer.content
        (row,) = answer.json()["data"]
        return row["availableQuantity"], [one["availableQuantity"] for one in row["days"]]

    return asked


def midnight():
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + 2 * DAY


def day(number):
    return (midnight() + number * DAY).date().isoformat()


def times(begin, days):
    starts = midnight() + begin * DAY
    return {"startsAt": _wire(starts), "endsAt": _wire(starts + days * DAY)}


def _wire(moment):
    return moment.isoformat().replace("+00:00", "Z")
