"""Rental orders and the inventory (contract A): priced, reserved, handed over, brought back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from config import tenancy
from credentials.scopes import Scope
from rentals.exceptions import NotAvailable
from rentals.models import Allocation, Block, Order
from rentals.services.items import Promised, SkuTaken, block_create, block_end, item_update
from rentals.services.sweeping import orders_sweep
from tests.factories import ACTOR, make_key
from tests.partner import Partner
from tests.rentals.conftest import DAY, day, midnight, times
from webhooks.models import Event


def events(name):
    """What was announced under this name, as webhooks carry it."""
    with tenancy.operator():
        rows = Event.objects.filter(type=name).order_by("created_at", "id")
        return [row.data for row in rows]


def step(ask, order, name, **body):
    return ask(f"/{order['id']}/{name}", **body)


def passed(order, by):
    """The order as if it had been made so long ago."""
    with tenancy.operator():
        row = Order.objects.get(id=order["id"])
        for name in ("starts_at", "ends_at", "picked_up_at", "expires_at"):
            if getattr(row, name):
                setattr(row, name, getattr(row, name) - by)
        row.save()
        for allocation in Allocation.objects.filter(line__order=row):
            span = allocation.during
            allocation.during = type(span)(span.lower - by, span.upper - by)
            allocation.unplanned = True  # the past is not judged
            allocation.save()


def test_an_order_takes_items_and_says_what_it_costs(partner, rent, make_item, free):
    drill = make_item(deposit_minor=10_000)
    answer = rent(drill, 2, days=1.5, notes="at noon")
    assert answer.status_code == 201, answer.content
    order = answer.json()
    assert order | times(0, 1.5) == order
    assert (order["status"], order["notes"], order["organizationId"]) == (
        "reserved", "at noon", partner.organization_id,
    )  # fmt: skip
    (line,) = order["lines"]
    assert (line["name"], line["quantity"], line["unitPriceMinor"], line["subtotalMinor"]) == (
        "Drill", 2, 10_000, 20_000,
    )  # fmt: skip
    assert (line["taxRate"], line["taxMinor"]) == ("17.00", 3_400)
    assert order["totals"] == {
        "subtotalMinor": 20_000, "taxMinor": 3_400, "totalMinor": 23_400, "depositMinor": 20_000,
        "currency": "ILS",
    }  # fmt: skip
    assert free(drill, 0, 2) == (0, [0, 0, 2])
    named = {"organizationId": partner.organization_id}
    detail = partner.get(f"/rentals/{order['id']}", **named).json()
    assert [entry["action"] for entry in detail.pop("history")] == ["reserved"]
    assert detail == order
    listed = partner.get("/rentals", **named, status="reserved", search="ada@").json()
    assert [row["id"] for row in listed["data"]] == [order["id"]]
    assert events("rental.created") == [order]


def test_more_than_there_is_at_any_moment_is_refused_whole(rent, make_item, free, ask):
    drill, saw = make_item(), make_item(name="Saw", quantity=1)
    assert rent(drill, 1, begin=0, days=1).status_code == 201
    assert rent(drill, 1, begin=0.5, days=1).status_code == 201
    both = [{"itemId": str(saw.id), "quantity": 1}, {"itemId": str(drill.id), "quantity": 1}]
    refused = rent(drill, lines=both, begin=0.9, days=1)
    assert (refused.status_code, refused.json()["error"]) == (409, "CONFLICT")
    assert refused.json()["details"]["lines"] == [{"itemId": str(drill.id), "requested": 1, "available": 0}]
    assert free(saw, 0, 1) == (1, [1, 1])
    assert rent(drill, 1, begin=1, days=1).status_code == 201, "one ends when another begins"
    assert free(drill, 0, 3) == (0, [0, 0, 2, 2])


def test_the_same_item_in_two_lines_counts_twice(rent, make_item):
    drill = make_item()
    line = {"itemId": str(drill.id), "quantity": 1}
    assert rent(drill, lines=[line, line, line]).status_code == 409
    assert rent(drill, lines=[line, line]).status_code == 201


@pytest.mark.parametrize(
    ("hours", "price"),
    [(1, 900), (3, 2_700), (7, 5_000), (24, 5_000), (27, 7_700), (31, 10_000), (96, 20_000), (120, 20_000),
     (168, 20_000), (192, 25_000), (169, 20_900), (335, 40_000)],
)  # fmt: skip
def test_the_cheapest_combination_of_hours_days_and_weeks(rent, make_item, hours, price):
    item = make_item(price_hour_minor=900, price_day_minor=5_000, price_week_minor=20_000)
    assert rent(item, days=hours / 24).json()["lines"][0]["unitPriceMinor"] == price


def test_availability_is_right_within_days_and_across_them(rent, make_item, free, partner):
    drill = make_item(quantity=3)
    rent(drill, 1, begin=-1, days=2)  # ends inside
    rent(drill, 1, begin=1.25, days=0.25)  # within a day
    rent(drill, 1, begin=1.5, days=0.25)  # one after the other, on one day
    rent(drill, 2, begin=3, days=5)  # begins inside
    assert free(drill, 0, 3) == (1, [2, 2, 3, 1])
    # midnight here is not midnight there
    assert free(drill, 0, 3, timeZone="America/New_York") == (1, [2, 2, 1, 1])
    answer = partner.get(
        "/inventory/availability",
        organizationId=partner.organization_id,
        category="nothing",
        **{"from": day(0), "to": day(1)},
    )
    assert answer.json()["data"] == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"from": "soon"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"to": "2020-01-01"}, "to"),
        ({"to": "2399-01-01"}, "to"),
        ({"timeZone": "../etc"}, "timeZone"),
        ({"timeZone": "Mars/Base"}, "timeZone"),
        ({"itemId": "x"}, "itemId"),
    ],
)
def test_what_availability_cannot_answer(partner, given, field):
    query = {"organizationId": partner.organization_id, "from": day(0), "to": day(1)} | given
    answer = partner.get("/inventory/availability", **query)
    assert (answer.status_code, next(iter(answer.json()["details"]))) == (400, field)


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"lines": []}, 400, "lines"),
        ({"lines": [{"itemId": "x", "quantity": 1}]}, 400, "lines"),
        ({"lines": [{"itemId": "01890000-0000-7000-8000-000000000000", "quantity": 1}]}, 404, "itemId"),
        ({"customer": {}}, 400, "customer"),
        ({"startsAt": "2020-01-01T00:00:00Z"}, 422, "in_the_past"),
        (times(800, 1), 422, "too_far_ahead"),
        (times(1, 400), 422, "too_long"),
        (times(1, -1), 400, "endsAt"),
    ],
)  # fmt: skip
def test_what_is_no_order(rent, make_item, given, status, said):
    answer = rent(make_item(), **given)
    assert answer.status_code == status
    details = answer.json()["details"]
    assert said in details or details["reason"] == said
    with tenancy.operator():
        assert not Order.objects.exists()


def test_items_of_two_currencies_are_two_orders(rent, make_item):
    lines = [{"itemId": str(make_item(currency=code).id), "quantity": 1} for code in ("ILS", "EUR")]
    answer = rent(make_item(), lines=lines)
    assert (answer.status_code, answer.json()["details"]["reason"]) == (422, "mixed_currencies")


def test_a_quote_holds_its_price_and_takes_nothing(rent, make_item, ask, free):
    drill = make_item()
    quote = rent(drill, 2, quote=True).json()
    assert (quote["status"], free(drill, 0, 0)) == ("quoted", (2, [2]))
    with tenancy.operator():
        item_update(item_id=drill.id, actor=ACTOR, price_day_minor=9_000)
    order = step(ask, quote, "reserve").json()
    assert (order["status"], order["totals"]["subtotalMinor"], order["expiresAt"]) == (
        "reserved",
        10_000,
        None,
    )
    late = rent(drill, 1, begin=10, quote=True).json()
    with tenancy.operator():
        Order.objects.filter(id=late["id"]).update(expires_at=timezone.now())
    refused = step(ask, late, "reserve")
    assert (refused.status_code, refused.json()["details"]["status"]) == (409, "expired")
    assert orders_sweep() == (1, 0)
    assert orders_sweep() == (0, 0)
    assert [event["status"] for event in events("rental.expired")] == ["expired"]


def test_a_quote_of_what_is_gone_meanwhile_cannot_be_reserved(rent, make_item, ask):
    drill = make_item()
    quote = rent(drill, 2, quote=True).json()
    rent(drill, 1)
    assert step(ask, quote, "reserve").status_code == 409
    assert step(ask, quote, "cancel").json()["status"] == "cancelled"


def test_an_order_from_pick_up_to_its_end(rent, make_item, ask, free, partner):
    drill = make_item(quantity=5, deposit_minor=1_000)
    order = rent(drill, 3, begin=0, days=3).json()
    assert step(ask, order, "return").json()["details"]["allowed"] == ["pick-up", "cancel"]
    order = step(ask, order, "pick-up").json()  # two days early
    assert order["status"] == "picked_up"
    assert free(drill, -1, -1) == (2, [2])
    line = order["lines"][0]["id"]
    some = [{"lineId": line, "quantity": 1, "damagedQuantity": 1}]
    order = step(ask, order, "return", lines=some).json()
    assert (order["status"], order["lines"][0]["returnedQuantity"]) == ("picked_up", 1)
    # one is out of order until somebody says otherwise, two are out
    assert free(drill, 0, 9) == (2, [2, 2, 2] + [4] * 7)
    more = step(ask, order, "return", lines=[{"lineId": line, "quantity": 3}])
    assert (more.status_code, more.json()["details"]["reason"]) == (422, "more_than_out")
    order = step(ask, order, "return").json()
    assert (order["status"], order["overdueAt"], order["lines"][0]["damagedQuantity"]) == (
        "returned",
        None,
        1,
    )
    assert free(drill, 0, 9) == (4, [4] * 10)
    too_much = step(ask, order, "close", depositKeptMinor=3_001)
    assert (too_much.status_code, too_much.json()["details"]["reason"]) == (422, "more_than_deposit")
    order = step(ask, order, "close", depositKeptMinor=500).json()
    assert (order["status"], order["depositKeptMinor"]) == ("closed", 500)
    assert step(ask, order, "cancel").json()["error"] == "INVALID_TRANSITION"
    history = partner.get(f"/rentals/{order['id']}", organizationId=partner.organization_id).json()["history"]
    assert [entry["action"] for entry in history] == [
        "reserved", "picked_up", "partly_returned", "returned", "closed",
    ]  # fmt: skip


def test_a_cancelled_order_gives_its_items_back(rent, make_item, ask, free):
    drill = make_item()
    order = rent(drill, 2).json()
    assert step(ask, order, "cancel", reason="rain").json()["cancellationReason"] == "rain"
    assert free(drill, 0, 0) == (2, [2])
    assert step(ask, order, "cancel").status_code == 409
    assert len(events("rental.cancelled")) == 1


def test_what_is_overdue_is_flagged_once_and_counted_on_by_nobody(rent, make_item, ask, free):
    drill = make_item()
    order = rent(drill, 2, days=1).json()
    step(ask, order, "pick-up")
    passed(order, 4 * DAY)
    assert orders_sweep() == (0, 1)
    assert orders_sweep() == (0, 0)
    (event,) = events("rental.overdue")
    assert event["overdueAt"]
    assert free(drill, -2, -2) == (0, [0])
    promised = rent(drill, 1, begin=2, days=1)
    assert promised.status_code == 201
    early = step(ask, promised.json(), "pick-up")
    assert early.status_code == 409, "what is not here cannot be handed over"
    order = step(ask, order, "return").json()
    assert (order["status"], order["overdueAt"] is not None) == ("returned", True)
    assert step(ask, promised.json(), "pick-up").status_code == 200


def test_what_was_promised_but_is_not_here_is_not_handed_over(rent, make_item, ask):
    drill = make_item()
    first, second = rent(drill, 2, days=1).json(), rent(drill, 2, begin=1, days=5).json()
    step(ask, first, "pick-up")
    passed(first, 3 * DAY)
    passed(second, 3 * DAY)
    refused = step(ask, second, "pick-up")
    assert (refused.status_code, refused.json()["details"]["lines"][0]["available"]) == (409, 0)
    step(ask, first, "return")
    assert step(ask, second, "pick-up").status_code == 200


def test_the_same_key_orders_once(rent, make_item, free):
    drill = make_item()
    first, again = (rent(drill, key="order-1") for _ in range(2))
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert free(drill, 0, 0) == (1, [1])


def test_items_are_listed_by_name(partner, make_item):
    make_item(name="Saw", category="Power tools", price_hour_minor=100, sku="SAW-1")
    make_item(name="Cart")
    named = {"organizationId": partner.organization_id}
    items = partner.get("/inventory/items", **named).json()
    assert [item["name"] for item in items["data"]] == ["Cart", "Saw"]
    (saw,) = partner.get("/inventory/items", **named, category="power TOOLS").json()["data"]
    assert (saw["sku"], saw["totalQuantity"], saw["priceHourMinor"], saw["priceWeekMinor"]) == (
        "SAW-1", 2, 100, None,
    )  # fmt: skip


def test_another_tenants_items_and_orders_do_not_exist(rent, make_item, partner, other_partner, ask):
    drill = make_item()
    order = rent(drill).json()
    theirs = {"organizationId": other_partner.organization_id}
    key = {"headers": {"Idempotency-Key": "k"}}
    assert other_partner.get(f"/rentals/{order['id']}", **theirs).status_code == 404
    for name in ("reserve", "pick-up", "return", "close", "cancel"):
        assert other_partner.post(f"/rentals/{order['id']}/{name}", theirs, **key).status_code == 404
    lines = [{"itemId": str(drill.id), "quantity": 1}]
    body = theirs | times(0, 1) | {"customer": {"name": "Eve"}, "lines": lines}
    assert other_partner.post("/rentals", body, **key).status_code == 404
    query = theirs | {"itemId": str(drill.id), "from": day(0), "to": day(1)}
    assert other_partner.get("/inventory/availability", **query).status_code == 404
    assert other_partner.get("/rentals", **theirs).json()["data"] == []
    assert other_partner.get("/inventory/items", **theirs).json()["data"] == []
    with tenancy.operator():
        assert Order.objects.get().status == "reserved"


def test_scopes_and_the_idempotency_key_are_asked_for(partner, make_item, organization):
    drill = make_item()
    named = {"organizationId": partner.organization_id}
    body = (
        named
        | times(0, 1)
        | {"customer": {"name": "Ada"}, "lines": [{"itemId": str(drill.id), "quantity": 1}]}
    )
    assert partner.post("/rentals", body).status_code == 400
    reader = Partner(make_key(organization, scopes=[Scope.RENTALS_READ]))
    refused = reader.post("/rentals", body, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["details"]["reason"]) == (403, "missing_scope")
    assert reader.get("/inventory/items", **named).status_code == 403


def test_a_block_takes_items_out_of_use(rent, make_item, free):
    drill = make_item()
    rent(drill, 1, begin=0, days=1)

    def block(quantity, **given):
        with tenancy.operator():
            return block_create(
                item=drill, quantity=quantity, starts_at=midnight(), ends_at=None, reason="Service",
                actor=ACTOR, **given,
            )  # fmt: skip

    with pytest.raises(NotAvailable):
        block(2)
    one = block(1)
    assert rent(drill, 1, begin=0.5, days=0.1).status_code == 409
    assert free(drill, 0, 1) == (0, [0, 1])
    broken = block(2, is_fact=True)
    assert free(drill, 0, 1) == (0, [0, 0])
    with tenancy.operator():
        for made in (one, broken):
            block_end(block_id=made.id, actor=ACTOR)
        assert not Block.objects.exists(), "they had not begun"
    assert free(drill, 0, 1) == (1, [1, 2])


def test_an_inventory_never_shrinks_below_what_is_promised(rent, make_item):
    drill = make_item(quantity=3, sku="D1")
    rent(drill, 2)
    make_item(sku="D2")
    with tenancy.operator():
        with pytest.raises(Promised):
            item_update(item_id=drill.id, actor=ACTOR, quantity=1)
        with pytest.raises(SkuTaken):
            item_update(item_id=drill.id, actor=ACTOR, sku="d2")
        assert item_update(item_id=drill.id, actor=ACTOR, quantity=2).quantity == 2


def test_an_hour_is_the_least(rent, make_item):
    item = make_item(price_hour_minor=100)
    answer = rent(item, days=timedelta(minutes=1) / DAY)
    assert answer.json()["lines"][0]["unitPriceMinor"] == 100
