"""The last two drills, and fifty who want one; and a model that never disagrees."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.range import TimestamptzRange

from config import tenancy
from rentals.exceptions import NotAvailable
from rentals.models import Allocation, Block, Order
from rentals.services.orders import (
    Back,
    Wanted,
    order_cancel,
    order_create,
    order_pick_up,
    order_return,
)
from tests.racing import race, with_function
from tests.rentals.conftest import DAY, midnight

HOUR = timedelta(hours=1)


def fifty(rent, drill):
    answers = race(50, lambda _: rent(drill), table="rentals_allocation")
    with tenancy.operator():
        taken = sum(answer.status_code == 201 for answer in answers)
        assert Order.objects.count() == Allocation.objects.count() == taken
    return Counter((answer.status_code, answer.json().get("error")) for answer in answers)


def test_fifty_want_the_last_two_drills_and_two_get_them(make_item, rent, free):
    drill = make_item()
    assert fifty(rent, drill) == {(201, None): 2, (409, "CONFLICT"): 48}
    assert free(drill, 0, 0) == (0, [0])


@pytest.mark.parametrize(
    "off",
    [
        ("FOR NO KEY UPDATE", ""),  # nobody waits
        ("PERFORM rentals_refuse()", "NULL"),  # nobody is refused
    ],
    ids=["lock", "rule"],
)
def test_without_the_lock_or_the_rule_more_than_two_would_get_them(make_item, rent, off):
    """The negative control of the test above: the race is one."""
    with with_function("rentals_judge_allocation", lambda source: source.replace(*off)):
        assert fifty(rent, make_item())[201, None] > 2


def test_orders_of_the_same_items_in_other_orders_never_wait_for_each_other_for_good(make_item, rent):
    items = [make_item(name=str(number), quantity=100) for number in range(4)]

    def want(number):
        mine = items[number % 4 :] + items[: number % 4]
        try:
            lines = [{"itemId": str(item.id), "quantity": 1} for item in mine]
            return rent(items[0], lines=lines).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(want, range(40))) == {201}


def test_cancellations_and_orders_of_the_same_items_do_not_wait_for_each_other_either(make_item, rent, ask):
    items = [make_item(name=str(number), quantity=100) for number in range(4)]

    def lines(number):
        mine = items[number % 4 :] + items[: number % 4]
        return [{"itemId": str(item.id), "quantity": 1} for item in mine]

    made = [rent(items[0], lines=lines(number)).json()["id"] for number in range(16)]

    def act(number):
        try:
            if number % 2:
                return rent(items[0], lines=lines(number)).status_code
            return ask(f"/{made[number // 2]}/cancel").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(act, range(32))) == {200, 201}


def test_the_database_itself_refuses_what_is_not_there(make_item, rent):
    """Past the code, by a row written by hand; and by one made larger."""
    drill = make_item()
    rent(drill, 1, days=2)
    tenant = {"organization_id": drill.organization_id, "environment": drill.environment, "item": drill}
    with tenancy.operator():
        twin = {**tenant, "block": Block.objects.create(**tenant, quantity=1, starts_at=midnight())}
    for quantity, during in (
        (2, TimestamptzRange(midnight() + DAY, midnight() + 3 * DAY)),
        (3, TimestamptzRange(midnight() + 10 * DAY, None)),
    ):
        with pytest.raises(IntegrityError, match="more than there is"), tenancy.operator():
            Allocation.objects.create(**twin, quantity=quantity, during=during)
    with pytest.raises(IntegrityError, match="more than there is"), tenancy.operator():
        Allocation.objects.update(quantity=3)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order", "order", "order", "cancel", "pick up", "return"]),
        st.integers(0, 11),
        st.integers(1, 5),
        st.integers(1, 3),
        st.integers(0, 100),
    ),
    max_size=14,
)
EVER = range(-60, 20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, total=st.integers(1, 4))
def test_random_orders_and_returns_agree_with_a_simple_model(make_item, free_now, steps, total):
    item = make_item(quantity=total)
    tenant = {"organization_id": item.organization_id, "environment": item.environment}
    model: dict[Order, tuple[int, int, int]] = {}

    def taken(hour, but=None):
        return sum(n for order, (a, b, n) in model.items() if order is not but and a <= hour < b)

    def fits(begin, end, quantity, but=None):
        return all(taken(hour, but) + quantity <= total for hour in range(begin, end))

    for step, begin, hours, quantity, which in steps:
        chosen = list(model)[which % len(model)] if model else None
        with tenancy.tenant(item.organization_id, item.environment):
            if step == "order":
                room = fits(begin, begin + hours, quantity)
                try:
                    made = order_create(
                        **tenant,
                        client_id=None,
                        starts_at=midnight() + begin * HOUR,
                        ends_at=midnight() + (begin + hours) * HOUR,
                        customer={"name": "Ada", "email": "", "phone": ""},
                        wanted=[Wanted(item.id, quantity)],
                        actor="tests",
                    )
                except NotAvailable:
                    assert not room
                else:
                    assert room
                    model[made] = (begin, begin + hours, quantity)
                continue
            if chosen is None:
                continue
            first, last, out = model[chosen]
            is_out = first == EVER.start
            if step == "cancel" and not is_out:
                order_cancel(order=chosen, reason="", actor="tests")
                del model[chosen]
            elif step == "pick up" and not is_out:
                room = fits(EVER.start, first, out, but=chosen)
                try:
                    order_pick_up(order=chosen, actor="tests")
                except NotAvailable:
                    assert not room
                else:
                    assert room
                    model[chosen] = (EVER.start, last, out)
            elif step == "return" and is_out:
                back = min(quantity, out)
                line = chosen.lines.get()
                order_return(order=chosen, back=[Back(line.id, back, 0)], actor="tests")
                if back == out:
                    del model[chosen]
                else:
                    model[chosen] = (EVER.start, last, out - back)
    for hour in range(18):
        assert free_now(item, hour) == total - taken(hour)


@pytest.fixture
def free_now(partner):
    def asked(item, hour):
        begin = midnight() + hour * HOUR
        answer = partner.get(
            "/inventory/availability",
            organizationId=partner.organization_id,
            itemId=str(item.id),
            **{"from": begin.isoformat(), "to": (begin + HOUR).isoformat()},
        )
        (row,) = answer.json()["data"]
        return row["availableQuantity"]

    return asked
