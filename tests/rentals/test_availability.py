"""What is free agrees with a model that looks at every moment, whichever way it is counted."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.range import TimestamptzRange

from config import tenancy
from rentals.models import Allocation, Block, DailyLedger
from tests.conftest import owner_connection
from tests.factories import make_organization
from tests.rentals.conftest import day

QUARTER = timedelta(minutes=15)
# Summer time begins in Jerusalem on 26 March 2027 at 02:00, in New York on 14 March.
ZONES = {"Asia/Jerusalem": "Asia/Jerusalem", "America/New_York": "America/New_York", None: "Asia/Jerusalem"}
FIRST = date(2027, 2, 27)
DAYS = 36
START = datetime(2027, 2, 25, tzinfo=UTC)
SPANS = st.lists(
    st.tuples(
        st.integers(0, 42 * 96),  # begins so many quarters of an hour after START
        # lasts so many: hours, days, weeks, and what the ledger leaves out
        st.one_of(st.integers(1, 96), st.integers(1, 3000), st.sampled_from([40_000, None])),
        st.integers(1, 3),
    ),
    max_size=10,
)


@pytest.fixture
def organization():
    return make_organization(time_zone="Asia/Jerusalem")


def taken(item, spans):
    """Take an item, past every promise: what is counted here may be more than there is."""
    tenant = {"organization_id": item.organization_id, "environment": item.environment, "item": item}
    rows = []
    with tenancy.operator():
        for begin, length, quantity in spans:
            starts = START + begin * QUARTER
            ends = None if length is None else starts + length * QUARTER
            block = Block.objects.create(
                **tenant, quantity=quantity, starts_at=starts, ends_at=ends, reason="x"
            )
            rows.append(
                Allocation.objects.create(
                    **tenant,
                    block=block,
                    quantity=quantity,
                    unplanned=True,
                    during=TimestamptzRange(starts, ends),
                )
            )
    return rows


def model(spans, total, edges):
    """Free between each two edges: the least at any quarter of an hour."""
    found = []
    for begin, end in pairwise(edges):
        moments = [begin + n * QUARTER for n in range(int((end - begin) / QUARTER))]
        used = [
            sum(
                quantity
                for first, length, quantity in spans
                if START + first * QUARTER <= moment
                and (length is None or moment < START + (first + length) * QUARTER)
            )
            for moment in moments
        ]
        found.append(max(0, total - max(used)))
    return found


def midnights(zone):
    days = [FIRST + timedelta(days=number) for number in range(DAYS + 1)]
    return [datetime(one.year, one.month, one.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) for one in days]


def asked(partner, item, first, last, **query):
    answer = partner.get(
        "/inventory/availability",
        organizationId=partner.organization_id,
        itemId=str(item.id),
        **query,
        **{"from": first, "to": last},
    )
    (row,) = answer.json()["data"]
    return row["availableQuantity"], [one["availableQuantity"] for one in row["days"]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=SPANS, changed=st.integers(0, 9), zone=st.sampled_from([*ZONES]))
def test_days_agree_with_a_model_of_every_moment(make_item, partner, spans, changed, zone):
    item = make_item(quantity=9)
    rows = taken(item, spans)
    if changed < len(rows):  # one is shortened or ends, which the ledger follows
        with tenancy.operator():
            if changed % 2:
                rows[changed].delete()
                spans = [span for number, span in enumerate(spans) if number != changed]
            else:
                begin, _, _ = spans[changed]
                starts = START + (begin + 1) * QUARTER
                rows[changed].during = TimestamptzRange(starts, starts + 5 * QUARTER)
                rows[changed].quantity = 4
                rows[changed].save()
                spans = [*spans[:changed], (begin + 1, 5, 4), *spans[changed + 1 :]]
    edges = midnights(ZONES[zone])
    days = model(spans, 9, edges)
    query = {"timeZone": zone} if zone else {}
    last = FIRST + timedelta(days=DAYS - 1)
    assert asked(partner, item, FIRST.isoformat(), last.isoformat(), **query) == (min(days), days)
    # from within the first day until within the last
    edges[0], edges[-1] = edges[0] + 7 * QUARTER, edges[-1] - 30 * QUARTER
    days = model(spans, 9, edges)
    first, last = (moment.isoformat() for moment in (edges[0], edges[-1]))
    assert asked(partner, item, first, last, **query) == (min(days), days)


def ledger():
    with tenancy.operator():
        return list(DailyLedger.objects.order_by("item", "month").values_list("item", "month", "taken"))


def test_another_time_zone_has_other_days_in_both_environments(make_item, organization, rent):
    items = [make_item(), make_item(environment="production")]
    for item in items:
        taken(item, [(0, 96, 1), (200, 50, 2)])
    before = ledger()
    with tenancy.tenant(organization.id, "sandbox"):
        organization.time_zone = "Pacific/Auckland"
        organization.save(update_fields=["time_zone"])
    assert {row[0] for row in ledger()} == {item.id for item in items}
    assert ledger() != before
    with tenancy.tenant(organization.id, "sandbox"):
        organization.time_zone = "Asia/Jerusalem"
        organization.save(update_fields=["time_zone"])
    assert ledger() == before


def test_a_zone_that_only_python_knows_is_counted_all_the_same(make_item, organization, free):
    item = make_item()
    with owner_connection() as owner:
        owner.execute(
            "UPDATE partners_organization SET time_zone = 'Nowhere/Known' WHERE id = %s", [organization.id]
        )
    taken(item, [(0, 96, 1)])
    with owner_connection() as owner:
        assert owner.execute("SELECT rentals_zone(%s)", [organization.id]).fetchone() == ("UTC",)
    assert free(item, 0, 1, timeZone="Asia/Jerusalem") == (2, [2, 2])


def test_what_is_rolled_back_was_never_counted(make_item):
    item = make_item()
    taken(item, [(0, 96, 1)])
    before = ledger()
    with tenancy.operator():
        Allocation.objects.update(quantity=2)
        transaction.set_rollback(True)
    assert ledger() == before


def test_a_far_year_is_answered(make_item, partner):
    """An allocation without an end reaches it; moments are counted from the first that is asked for."""
    item = make_item()
    taken(item, [(0, None, 1)])
    assert asked(partner, item, "2398-01-01", "2398-01-03") == (1, [1, 1, 1])
    assert asked(partner, item, day(0), day(0))[1] != []
