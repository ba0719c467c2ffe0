"""Workers and the broker die; each accepted event arrives all the same, under one id with one body."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from config import tenancy
from tests.conftest import owner_connection
from tests.faults.hub import Hub, by_id, lead_of, leased, states
from tests.faults.servers import Server, valkey
from tests.processes import Web, wait_until
from tests.webhooks.receiver import Receiver, status
from tests.webhooks.rows import all_deliveries, attempts_of
from webhooks.models import Event

KILLS = 20
LOAD = 2_000


@pytest.fixture(scope="module")
def broker() -> Iterator[Server]:
    with valkey() as server:
        yield server


@pytest.fixture(scope="module")
def web(broker: Server) -> Iterator[Web]:
    with Web(REDIS_URL=broker.url, USAGE_SHIP_EVERY_S="3600") as web:
        yield web


@pytest.fixture
def hub(web: Web, broker: Server, receiver: Receiver) -> Iterator[Hub]:
    """Web and broker run; the test starts the others."""
    if broker.processes[-1].poll() is not None:
        broker.start()
    redis.Redis.from_url(broker.url).flushall()
    hub = Hub(web, broker)
    hub.subscribe(receiver)
    yield hub
    hub.stop()


def after(seconds: float) -> Callable[[Any], None]:
    """Take the webhook, after a while."""

    def answer(handler: Any) -> None:
        time.sleep(seconds)
        status(200, b"ok")(handler)

    return answer


def assert_arrived(accepted: set[str], receiver: Receiver) -> None:
    """What was accepted has arrived, nothing else has, and repeats are the same webhook again."""
    assert {lead_of(webhook) for webhook in list(receiver.received)} == accepted
    bodies = by_id(receiver.received)
    assert len(bodies) == len(accepted), "one id an event"
    assert {len(same) for same in bodies.values()} == {1}, "one body an id"
    with tenancy.operator():
        announced = {str(id) for id in Event.objects.values_list("id", flat=True)}
    assert set(bodies) == announced


def test_workers_killed_20_times_under_load_lose_nothing(hub, receiver):
    receiver.answers = [after(0.2)]
    hub.start_scheduler()
    workers = [hub.start_worker(), hub.start_worker()]
    accepted: set[str] = set()
    interrupted = 0
    with ThreadPoolExecutor(1) as feeder:
        for kill in range(KILLS):
            names = [f"{kill}-{number}" for number in range(LOAD // KILLS)]
            feeding = feeder.submit(hub.accept, names)
            before = len(receiver.received)
            wait_until(lambda: len(receiver.received) >= before + 20, seconds=60, every=0.01)
            workers.pop(0).kill()
            interrupted += leased() > 0
            workers.append(hub.start_worker())
            accepted |= feeding.result()
    assert len(accepted) == LOAD
    assert interrupted >= KILLS // 2, "the kills met workers at work"
    wait_until(lambda: states() == {"DELIVERED": LOAD}, seconds=60)
    assert_arrived(accepted, receiver)
    assert len(receiver.received) > LOAD, "some were sent again"
