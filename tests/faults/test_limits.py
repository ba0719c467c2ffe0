"""Limits over several processes, and across the loss and the return of their store (contract 0.3)."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from credentials.limits_fallback import REBUILDING_KEY
from credentials.services.keys import IssuedKey
from tests.conftest import owner_connection
from tests.factories import make_key
from tests.faults.http import Answer, health, statuses, storm
from tests.faults.servers import Server, valkey
from tests.processes import Web, wait_until

MINUTE = 100


@pytest.fixture(scope="module")
def store() -> Iterator[Server]:
    with valkey() as server:
        yield server


@pytest.fixture(scope="module")
def pair(store: Server) -> Iterator[tuple[Web, Web]]:
    """Two web processes of one host on that store. Their request log stays in its spool."""
    first, second = web_on(store), web_on(store)
    with first, second:
        yield first, second


def web_on(store: Server) -> Web:
    return Web(
        REDIS_URL=store.url,
        HUB_STATE=str(store.server.state.root / "state"),
        USAGE_SHIP_EVERY_S="3600",
    )


@pytest.fixture(autouse=True)
def begins_with_a_store_that_decides(pair: tuple[Web, Web], store: Server) -> None:
    if store.processes[-1].poll() is not None:
        store.start()
    probe = make_key()

    def decides(web: Web) -> bool:
        connect(store).delete(REBUILDING_KEY)
        before = counted_by(store, probe)
        health(web, probe)
        return counted_by(store, probe) > before and not connect(store).exists(REBUILDING_KEY)

    wait_until(lambda: decides(pair[0]) and decides(pair[1]), seconds=10, every=0.05)


def counted_by(store: Server, key: IssuedKey) -> int:
    """How many of the key's calls the store has admitted or learned of."""
    return connect(store).llen(f"hub:limit:{{{key.key.key_id}}}:w")


def connect(store: Server) -> redis.Redis:
    return redis.Redis.from_url(store.url)


def admitted(answers: list[Answer]) -> int:
    """How many were let in; the others must be 429."""
    found = statuses(answers)
    assert set(found) <= {200, 429}, found
    return found.get(200, 0)


def test_400_calls_at_once_over_two_processes_admit_exactly_the_minutes_limit(pair, organization):
    key = make_key(organization, requests_per_minute=MINUTE)
    answers = storm(pair, key, 400)
    assert statuses(answers) == {200: MINUTE, 429: 300}
    for answer in answers:
        if answer.status == 429:
            body = answer.json()
            assert body["error"] == "RATE_LIMIT_EXCEEDED"
            assert 1 <= body["retryAfter"] <= 60
            assert answer.headers["retry-after"] == str(body["retryAfter"])


def test_the_minute_goes_on_when_the_store_stops_and_when_it_returns_empty(pair, organization, store):
    key = make_key(organization, requests_per_minute=MINUTE)
    assert admitted(storm(pair, key, 60)) == 60
    store.stop()
    assert admitted(storm(pair, key, 30)) == 30
    store.start()
    assert admitted(storm(pair, key, 60)) == 10
    assert admitted(storm(pair, key, 60)) == 0


@pytest.mark.parametrize("attempt", range(3))
def test_a_store_killed_in_mid_storm_lets_nobody_slip_through(pair, organization, store, attempt):
    key = make_key(organization, requests_per_minute=MINUTE)
    killer = threading.Timer(0.05 + 0.05 * attempt, store.stop)
    killer.start()
    answers = storm(pair, key, 300)
    killer.join()
    assert admitted(answers) == MINUTE
    store.start()
    assert admitted(storm(pair, key, 50)) == 0


def test_the_admissions_of_a_killed_process_count(pair, organization, store):
    key = make_key(organization, requests_per_minute=MINUTE)
    with web_on(store) as third:
        assert admitted(storm((third,), key, 70)) == 70
        third.kill()
    store.stop()
    assert admitted(storm(pair, key, 60)) == 30


def test_a_frozen_store_holds_nobody_up(pair, organization, store):
    key = make_key(organization, requests_per_minute=MINUTE)
    assert admitted(storm(pair, key, 10)) == 10
    store.signal(signal.SIGSTOP)
    try:
        took = []
        for number in range(40):
            began = time.monotonic()
            assert health(pair[number % 2], key).status == 200
            took.append(time.monotonic() - began)
    finally:
        store.signal(signal.SIGCONT)
    assert max(took) < 1.5
    assert sorted(took)[30] < 0.2, "only the request that asks the store waits for it"


def test_a_returned_store_learns_of_each_admission_and_decides_again(pair, organization, store):
    key = make_key(organization, requests_per_minute=MINUTE, daily_quota=2 * MINUTE)
    store.stop()
    assert health(pair[0], key).status == 200
    store.start()
    wait_until(lambda: health(pair[0], key).status and connect(store).exists(REBUILDING_KEY), seconds=5)
    before = MINUTE - int(health(pair[0], key).headers["x-ratelimit-remaining"])
    assert admitted(storm(pair, key, 40)) == 40
    counted = f"hub:limit:{{{key.key.key_id}}}"
    (day,) = connect(store).keys(f"{counted}:d*")
    assert connect(store).llen(f"{counted}:w") >= 41
    assert int(connect(store).get(day)) == before + 40
    connect(store).delete(REBUILDING_KEY)  # as its expiry does after a minute
    assert admitted(storm(pair, key, 200)) <= MINUTE - 41
    assert connect(store).llen(f"{counted}:w") == MINUTE


def test_a_bucket_goes_on_when_the_store_stops(pair, organization, store):
    key = make_key(organization, requests_per_minute=6)
    with owner_connection() as owner:
        owner.execute("UPDATE partner_api_keys SET burst = 60 WHERE id = %s", [key.key.id])
    began = time.monotonic()
    assert admitted(storm(pair, key, 40)) == 40
    store.stop()
    more = admitted(storm(pair, key, 60))
    store.start()
    more += admitted(storm(pair, key, 60))
    assert 19 <= more <= 20 + (time.monotonic() - began) / 10


def test_a_daily_quota_goes_on_when_the_store_stops_and_returns_empty(pair, organization, store):
    key = make_key(organization, requests_per_minute=1000, daily_quota=20)
    assert admitted(storm(pair, key, 15)) == 15
    store.stop()
    answers = storm(pair, key, 10)
    assert admitted(answers) == 5
    assert {answer.json()["error"] for answer in answers if answer.status == 429} == {"QUOTA_EXCEEDED"}
    store.start()
    assert admitted(storm(pair, key, 10)) == 0
    connect(store).delete(REBUILDING_KEY)
    assert admitted(storm(pair, key, 10)) == 0


def test_a_store_that_returns_with_old_data_makes_no_revoked_key_live(pair, organization, store):
    """The store's log is written each second: its crash may take the last revocations along."""
    key = make_key(organization)
    assert [health(web, key).status for web in pair] == [200, 200]
    version = f"hub:version:{{{key.key.key_id}}}"
    stale = connect(store).get(version)
    with owner_connection() as owner:
        owner.execute(
            "UPDATE partner_api_keys SET status = 'revoked', version = version + 1 WHERE id = %s",
            [key.key.id],
        )
    store.stop()
    store.start()
    connect(store).set(version, stale)
    assert [health(web, key).status for web in pair] == [401, 401]
