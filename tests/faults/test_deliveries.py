"""Workers and the broker die; each accepted event arrives all the same, under one id with one body."""

import base64
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.conf import settings

from config import tenancy
from tests.conftest import owner_connection
from tests.factories import make_company
from tests.faults.http import BASE, send
from tests.faults.hub import Hub, assert_arrived, leased, states
from tests.faults.servers import Server, valkey
from tests.processes import Web, wait_until
from tests.webhooks.receiver import Receiver, status
from tests.webhooks.rows import all_deliveries, attempts_of

RECORDINGS = settings.BASE_DIR / "tests" / "data" / "audio"
KILLS = 20
LOAD = 1_000


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


def test_workers_killed_20_times_under_load_lose_nothing(hub, receiver):
    receiver.answers = [after(0.2)]
    hub.start_scheduler()
    workers = [hub.start_worker(), hub.start_worker()]
    accepted: set[str] = set()
    interrupted = 0

    def received_more_than(count: int) -> Callable[[], bool]:
        return lambda: len(receiver.received) > count

    with ThreadPoolExecutor(1) as feeder:
        for kill in range(KILLS):
            names = [f"{kill}-{number}" for number in range(LOAD // KILLS)]
            feeding = feeder.submit(hub.accept, names)
            wait_until(received_more_than(len(receiver.received) + 20), seconds=60, every=0.01)
            workers.pop(0).kill()
            interrupted += leased() > 0
            workers.append(hub.start_worker())
            accepted |= feeding.result()
    assert len(accepted) == LOAD
    assert interrupted >= KILLS // 2, "the kills met workers at work"
    wait_until(lambda: states() == {"DELIVERED": LOAD}, seconds=60)
    assert_arrived(accepted, receiver)
    assert len(receiver.received) > LOAD, "some were sent again"


@contextmanager
def nothing_is_recorded() -> Iterator[None]:
    """No attempt can be logged: a worker hangs in its settling transaction."""
    with owner_connection() as owner, owner.transaction():
        owner.execute("LOCK TABLE webhook_logs IN SHARE MODE")
        yield


def recording() -> int:
    """How many server processes wait to log an attempt."""
    with owner_connection() as owner:
        (count,) = owner.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE relation = 'webhook_logs'::regclass AND NOT granted AND datname = current_database()"
        ).fetchone()
    return count


def test_a_webhook_that_was_taken_but_not_recorded_is_sent_again_and_recorded_once(hub, receiver):
    (lead,) = hub.accept(["only"])
    with nothing_is_recorded():
        victim = hub.start_worker()
        wait_until(lambda: receiver.received and recording(), seconds=20, every=0.02)
        victim.kill()
        # the server finds the client gone before the lock is free
        wait_until(lambda: not recording(), seconds=10, every=0.05)
    (delivery,) = all_deliveries()
    assert (delivery.status, delivery.attempt_count, attempts_of(delivery)) == ("PENDING", 0, [])

    hub.start_worker()
    hub.start_scheduler()
    wait_until(lambda: states() == {"DELIVERED": 1}, seconds=40)
    first, second = receiver.received
    assert (first.id, first.body, first.attempt) == (second.id, second.body, second.attempt)
    assert_arrived({lead}, receiver)
    (delivery,) = all_deliveries()
    (attempt,) = attempts_of(delivery)
    assert (delivery.attempt_count, attempt.attempt_number, attempt.success) == (1, 1, True)


def test_an_emptied_broker_loses_no_queued_delivery(hub, receiver):
    broker = redis.Redis.from_url(hub.broker.url)
    accepted = hub.accept(str(number) for number in range(500))
    assert broker.llen("default") > 0, "a message waits"
    broker.flushall()
    assert broker.llen("default") == 0
    hub.start_worker()
    hub.start_scheduler()
    wait_until(lambda: len(receiver.received) >= 100, seconds=90, every=0.01)
    broker.flushall()
    wait_until(lambda: states() == {"DELIVERED": 500}, seconds=30)
    accepted |= hub.accept(["afterwards"])
    wait_until(lambda: states() == {"DELIVERED": 501}, seconds=15)
    assert_arrived(accepted, receiver)
    assert len(receiver.received) == 501


def test_a_frozen_broker_holds_up_no_request_and_loses_no_event(hub, receiver):
    hub.start_worker()
    hub.start_scheduler()
    key = {"x-partner-api-key": hub.key.raw}
    audio = base64.b64encode((RECORDINGS / "goforward.wav").read_bytes()).decode()
    with tenancy.operator():
        company = make_company(hub.key.key.organization)
    call = {"audio_file": audio, "company_id": str(company.id), "call_type": "support"}
    accepted = hub.accept(["before"])
    hub.broker.signal(signal.SIGSTOP)
    try:
        accepted |= hub.accept(str(number) for number in range(8))
        job = send(hub.web, "POST", f"{BASE}/calls/analyze", call, headers=key, timeout=10)
    finally:
        hub.broker.signal(signal.SIGCONT)
    assert job.status == 202, job.body
    wait_until(lambda: states() == {"DELIVERED": 9}, seconds=30)
    assert_arrived(accepted, receiver)


def test_a_worker_consumes_again_after_each_of_five_restarts_of_the_broker(hub, receiver):
    worker, beat = hub.start_worker(), hub.start_scheduler()
    receiver.answers = [after(0.3)]
    accepted: set[str] = set()

    def under_way() -> bool:
        return len(receiver.received) == len(accepted)

    for restart in range(5):
        accepted |= hub.accept([f"under-way-{restart}"])
        wait_until(under_way, seconds=60, every=0.02)
        hub.broker.stop()
        accepted |= hub.accept([f"down-{restart}"])
        time.sleep(1)  # the worker tries in vain meanwhile
        hub.broker.start()
        accepted |= hub.accept([f"afterwards-{restart}"])
        wait_until(under_way, seconds=30)
    wait_until(lambda: states() == {"DELIVERED": 15}, seconds=5)
    assert worker.is_running()
    assert beat.is_running()
    assert_arrived(accepted, receiver)
    assert len(receiver.received) == len(accepted), "nothing was sent twice"
