"""Receivers that hang hold up nobody else: no other tenant, no other client, no other endpoint."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.factories import make_client, make_organization
from tests.webhooks.receiver import Receiver
from tests.webhooks.rows import attempts_of, emit, make_callback, make_subscription
from webhooks.dispatcher import drain
from webhooks.services.claims import Claimed, Lane
from webhooks.sharing import Shares

# what waits for a hanging endpoint's slot waits until its time-out of 3 s, less the head start of 0.8 s
HELD_UP = timedelta(seconds=2)


@pytest.fixture
def other():
    other = Receiver()
    yield other
    other.close()


def waits(slots, make):
    """How long the delivery that `make` gives waited for its attempt, beside the hanging."""
    with ThreadPoolExecutor(1) as threads:
        drained = threads.submit(drain, slots=slots, max_s=4)
        time.sleep(0.8)
        delivery = make()
        drained.result()
    (attempt,) = attempts_of(delivery)
    return attempt.created_at - delivery.created_at


def test_a_thousand_hanging_endpoints_of_one_organization_and_another_tenants_first_delivery(receiver, other):
    receiver.answers = [receiver.hang]
    organization = make_organization()
    for _ in range(10):
        client = make_client(organization)
        for _ in range(100):
            make_subscription(receiver.url, client=client, timeout_s=3)
        emit(client)
    assert waits(96, lambda: make_callback(other.url)) < HELD_UP
    assert len(receiver.received) >= 64


def test_one_partners_hanging_endpoints_and_another_partner_of_the_organization(receiver, other):
    receiver.answers = [receiver.hang]
    organization = make_organization()
    client, neighbour = make_client(organization), make_client(organization)
    for _ in range(100):
        make_subscription(receiver.url, client=client, timeout_s=3)
    emit(client)
    assert waits(48, lambda: make_callback(other.url, client=neighbour)) < HELD_UP


def test_a_hanging_endpoint_and_the_same_clients_others(receiver, other):
    receiver.answers = [receiver.hang]
    client = make_client()
    for _ in range(100):
        make_callback(receiver.url, client=client, timeout_s=3)
    assert waits(48, lambda: make_callback(other.url, client=client)) < HELD_UP


def a_claimed(lane):
    given = dict.fromkeys(Claimed.__dataclass_fields__)
    names = {"organization_id": lane.organization, "client_id": lane.client, "lane": lane.lane}
    return Claimed(**(given | names))


def test_slots_are_shared_by_organization_client_and_endpoint():
    shares = Shares(90)
    loud = [Lane("loud", f"client {number % 3}", f"lane {number}", False) for number in range(300)]
    for _ in range(20):
        for lane, number in shares.allot(loud, limit=256).items():
            for _ in range(number):
                shares.take(a_claimed(lane))
    assert 25 <= shares.free <= 35  # a third is left
    quiet = Lane("quiet", "c", "l", False)
    assert shares.allot([*loud, quiet], limit=256)[quiet] > 5


def test_one_endpoint_alone_gets_half_of_the_slots_and_gives_them_back():
    shares, lane = Shares(90), Lane("o", "c", "l", False)
    taken = []
    for _ in range(20):
        for _ in range(shares.allot([lane], limit=256).get(lane, 0)):
            taken.append(a_claimed(lane))
            shares.take(taken[-1])
    assert 45 <= len(taken) <= 50
    for one in taken:
        shares.give_back(one)
    assert shares.free == 90
    assert shares.allot([lane], limit=3) == {lane: 3}
