"""Contract 0.3: limits, quotas and their headers."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import http_sf
import pytest
from django.db import connection, transaction

from config import tenancy
from credentials import limits
from credentials.admission_journal import Journal
from credentials.limits import (
    ADMITTED,
    DAY_FULL,
    HOUR_FULL,
    MINUTE_FULL,
    Limits,
    refusal,
    request_admit,
)
from credentials.limits_fallback import Fallback
from credentials.models import ApiKey
from credentials.scopes import Scope
from credentials.services.keys import key_update
from credentials.store import store
from tests.factories import ACTOR, make_key
from tests.partner import Partner
from tests.processes import wait_until


def admit(subject, given):
    return request_admit(subject=subject, limits=given, version="")


def statuses_of(partner, calls):
    """What so many calls from eight threads at once are answered."""

    def call(_):
        try:
            return partner.get("/health").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, range(calls)))


def test_the_minute_admits_exactly_its_limit_under_concurrency(organization):
    partner = Partner(make_key(organization, requests_per_minute=20))
    statuses = statuses_of(partner, 50)
    assert (statuses.count(200), statuses.count(429)) == (20, 30)


def test_a_refused_request_says_when_to_come_back(organization):
    partner = Partner(make_key(organization, requests_per_minute=1))
    assert partner.get("/health").status_code == 200
    answer = partner.get("/health")
    body = answer.json()
    assert (answer.status_code, body["error"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert 1 <= body["retryAfter"] <= 60
    assert answer["Retry-After"] == str(body["retryAfter"])
    assert body["details"]["retryable"] is True


def structured(answer):
    """`RateLimit` and `RateLimit-Policy` as a structured-fields library reads them: {name: parameters}."""
    fields = ("RateLimit", "RateLimit-Policy")
    return [dict(http_sf.parse(answer[field].encode(), tltype="list")) for field in fields]


def policies(**quotas):
    seconds = {"minute": 60, "hour": 3600, "day": 86400}
    return {name: {"q": quota, "w": seconds[name]} for name, quota in quotas.items()}


def test_every_answer_carries_the_limit_headers(partner):
    for answer in (partner.get("/health"), partner.get("/nowhere"), partner.delete("/leads")):
        assert answer["X-RateLimit-Limit"] == "1000"
        assert 0 <= int(answer["X-RateLimit-Remaining"]) < 1000
        assert datetime.fromisoformat(answer["X-RateLimit-Reset"]).tzinfo is not None
        state, policy = structured(answer)
        assert policy == {"minute": {"q": 1000, "w": 60}}
        assert state["minute"]["r"] == int(answer["X-RateLimit-Remaining"])
        assert 0 <= state["minute"]["t"] <= 60
        assert answer["x-partner-api-version"] == "v1"
        assert answer["X-Request-Id"]


def test_a_refusal_of_the_credential_carries_the_callers_limit_headers(client):
    answer = client.get("/api/partner/v1/health")
    assert answer.status_code == 401
    state, policy = structured(answer)
    assert policy == {
        "minute": {"q": 60, "w": 60},
        "hour": {"q": 1000, "w": 3600},
        "day": {"q": 10000, "w": 86400},
    }
    assert (state["minute"]["r"], answer["X-RateLimit-Remaining"]) == (59, "59")


def test_a_full_window_is_the_one_the_headers_name(organization):
    partner = Partner(make_key(organization, requests_per_minute=5, daily_quota=1))
    partner.get("/health")
    answer = partner.get("/health")
    state, policy = structured(answer)
    assert (answer.status_code, answer.json()["error"]) == (429, "QUOTA_EXCEEDED")
    assert policy == {"minute": {"q": 5, "w": 60}, "day": {"q": 1, "w": 86400}}
    assert state == {"day": {"r": 0, "t": state["day"]["t"]}}
    assert abs(state["day"]["t"] - answer.json()["retryAfter"]) <= 1
    assert answer["X-RateLimit-Limit"] == "1"


def passes(window, seconds):
    """Let time pass for a window: its admissions move into the past, and what was refused is asked again."""
    limits._refusals.clear()
    for index, at in enumerate(store.lrange(window, 0, -1)):
        store.lset(window, index, int(at) - seconds * 1_000_000)


def test_the_window_slides():
    """Five at the end of one minute leave no room at the start of the next."""
    given, window = Limits(per_minute=5), "hub:limit:{slide}:w"
    assert [admit("slide", given).outcome for _ in range(6)] == [ADMITTED] * 5 + [MINUTE_FULL]
    passes(window, 59)
    assert admit("slide", given).outcome == MINUTE_FULL
    passes(window, 2)
    assert admit("slide", given).outcome == ADMITTED
    assert store.llen(window) == 1


def test_a_long_window_forgets_what_is_older_than_a_minute():
    given, window = Limits(per_minute=1000), "hub:limit:{long}:w"
    assert {admit("long", given).outcome for _ in range(350)} == {ADMITTED}
    passes(window, 61)
    assert {admit("long", given).outcome for _ in range(3)} == {ADMITTED}
    assert store.llen(window) == 3
    assert admit("long", given).remaining == 996


def test_a_daily_quota_ends_the_day_and_refusals_take_none(organization):
    partner = Partner(make_key(organization, requests_per_minute=3, daily_quota=2))
    assert [partner.get("/health").status_code for _ in range(3)] == [200, 200, 429]
    answer = partner.get("/health")
    assert answer.json()["error"] == "QUOTA_EXCEEDED"
    assert answer.json()["retryAfter"] > 60 or answer.json()["retryAfter"] >= 1


def test_a_minute_refusal_consumes_no_quota():
    given = Limits(per_minute=2, per_hour=4, per_day=4)
    outcomes = [admit("quota", given).outcome for _ in range(5)]
    assert outcomes == [ADMITTED, ADMITTED, MINUTE_FULL, MINUTE_FULL, MINUTE_FULL]
    passes("hub:limit:{quota}:w", 61)
    assert [admit("quota", given).outcome for _ in range(2)] == [ADMITTED, ADMITTED]
    passes("hub:limit:{quota}:w", 61)
    assert admit("quota", given).outcome == HOUR_FULL
    assert admit("quota", Limits(per_minute=2, per_day=4)).outcome == DAY_FULL


def test_a_full_hour_is_a_rate_limit_and_a_full_day_a_quota():
    for given, code in (
        (Limits(9, per_hour=1), "RATE_LIMIT_EXCEEDED"),
        (Limits(9, per_day=1), "QUOTA_EXCEEDED"),
    ):
        subject = secrets.token_hex(4)
        assert admit(subject, given).outcome == ADMITTED
        error = refusal(admit(subject, given))
        assert (error.status, error.code) == (429, code)
        assert 1 <= error.details["retryAfter"] <= 86_400


def test_what_was_refused_a_moment_ago_is_refused_without_asking_the_store(monkeypatch):
    given, asks = Limits(per_minute=1), []
    ask = limits.fallback.ask
    monkeypatch.setattr(limits.fallback, "ask", lambda subject: asks.append(subject) or ask(subject))
    assert [admit("again", given).outcome for _ in range(2)] == [ADMITTED, MINUTE_FULL]
    again = admit("again", given)
    time.sleep(0.01)
    later = admit("again", given)
    assert len(asks) == 2
    assert again.outcome == later.outcome == MINUTE_FULL
    assert again.retry_us - later.retry_us >= 10_000
    assert admit("again", Limits(per_minute=2)).outcome == ADMITTED, "other limits are asked for at once"
    time.sleep(limits._REFUSAL_STANDS_S)
    admit("again", given)
    assert len(asks) == 4


def test_a_bucket_that_refills_within_the_moment_admits_then():
    given = Limits(per_minute=600, burst=3)
    assert [admit("soon", given).outcome for _ in range(4)] == [ADMITTED] * 3 + [MINUTE_FULL]
    time.sleep(0.11)
    assert admit("soon", given).outcome == ADMITTED


def test_a_raised_limit_admits_within_a_second_of_a_refusal(organization):
    issued = make_key(organization, requests_per_minute=1)
    partner = Partner(issued)
    assert [partner.get("/health").status_code for _ in range(3)] == [200, 429, 429]
    with tenancy.operator():
        key_update(key_id=issued.key.id, changes={"requests_per_minute": 5}, actor=ACTOR)
    time.sleep(1)
    assert partner.get("/health").status_code == 200


def test_a_burst_key_is_a_token_bucket():
    given = Limits(per_minute=60, burst=5)
    outcomes = [admit("bucket", given) for _ in range(6)]
    assert [verdict.outcome for verdict in outcomes] == [ADMITTED] * 5 + [MINUTE_FULL]
    assert 0 < outcomes[-1].retry_us <= 1_000_000


def test_a_bucket_takes_its_burst_at_once_and_refills_by_the_minutes_limit():
    given = Limits(per_minute=300, burst=1000)
    assert sum(admit("full", given).outcome == ADMITTED for _ in range(1000)) == 1000
    while admit("full", given).outcome == ADMITTED:
        pass  # what the thousand calls' own time refilled
    name = "hub:limit:{full}:b"
    store.hset(name, "t", int(store.hget(name, "t")) - 2_000_000)
    limits._refusals.clear()
    assert 10 <= sum(admit("full", given).outcome == ADMITTED for _ in range(14)) <= 11


def test_catalogue_keys_default_to_300_a_minute_with_a_burst(organization):
    partner = Partner(make_key(organization, requests_per_minute=None, scopes=[Scope.OFFERS_READ]))
    answer = partner.get("/health")
    assert answer["X-RateLimit-Limit"] == "300"
    state, policy = structured(answer)
    assert policy == {"burst": {"q": 1000, "w": 200}}
    assert state["burst"]["r"] == 999
    statuses = {partner.get("/health").status_code for _ in range(20)}
    assert statuses == {200}


@pytest.mark.parametrize(
    ("tier", "numbers"),
    [
        ("basic", (60, 1000, 10000)),
        ("standard", (120, 5000, 50000)),
        ("premium", (300, 15000, 150000)),
        ("enterprise", (600, 50000, 500000)),
    ],
)
def test_tiers(organization, tier, numbers):
    key = make_key(organization, requests_per_minute=None, scopes=[Scope.LEADS_READ], tier=tier)
    minute, hour, day = numbers
    _, policy = structured(Partner(key).get("/health"))
    assert policy == {
        "minute": {"q": minute, "w": 60},
        "hour": {"q": hour, "w": 3600},
        "day": {"q": day, "w": 86400},
    }


def test_without_the_store_the_database_counts_exactly(no_store, organization):
    partner = Partner(make_key(organization, requests_per_minute=20))
    statuses = statuses_of(partner, 50)
    assert (statuses.count(200), statuses.count(429)) == (20, 30)
    refused = partner.get("/health")
    assert 1 <= refused.json()["retryAfter"] <= 60
    assert refused["X-RateLimit-Limit"] == "20"


def test_the_store_is_asked_again_once_it_is_back(no_store, partner):
    assert partner.get("/health")["X-RateLimit-Remaining"] == "999"
    no_store()
    assert partner.get("/health").status_code == 200
    assert store.llen(f"hub:limit:{{{partner.issued.key.key_id}}}:w") == 1


def test_without_the_store_a_change_of_a_key_holds_at_once(no_store, partner):
    assert partner.get("/health").status_code == 200
    with tenancy.operator():
        ApiKey.objects.filter(id=partner.issued.key.id).update(status="suspended")
    assert partner.get("/health").status_code == 401


def test_the_databases_windows_are_the_scripts(no_store):
    plain = Limits(per_minute=2, per_hour=3, per_day=4)
    assert [admit("plain", plain).outcome for _ in range(3)] == [ADMITTED, ADMITTED, MINUTE_FULL]
    forget_the_minute()
    assert [admit("plain", plain).outcome for _ in range(2)] == [ADMITTED, HOUR_FULL]
    daily = Limits(per_minute=2, per_day=3)
    assert [admit("plain", daily).outcome for _ in range(1)] == [DAY_FULL]
    bucket = Limits(per_minute=60, burst=3)
    verdicts = [admit("bucket", bucket) for _ in range(4)]
    assert [verdict.outcome for verdict in verdicts] == [ADMITTED] * 3 + [MINUTE_FULL]
    assert 0 < verdicts[-1].retry_us <= 1_000_000


def forget_the_minute():
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credentials_admission SET at = at - interval '1 minute'")


def test_a_request_the_store_left_open_counts_once_where_postgresql_decides(tmp_path):
    limits = Limits(per_minute=100, per_day=3)
    asked, first = Fallback(Journal(tmp_path)), Fallback(Journal(tmp_path))
    entry = asked.ask("key_open")
    assert first.count("key_open", limits).day_used == 2, "what is open counts as admitted meanwhile"
    asked.withdraw(entry)
    assert asked.count("key_open", limits).day_used == 2
    assert [first.count("key_open", limits).outcome for _ in range(2)] == [ADMITTED, DAY_FULL]


def test_a_request_that_is_asked_about_twice_counts_once(tmp_path):
    """Its key had changed, say, while another process took over what was open."""
    one, other = Fallback(Journal(tmp_path)), Fallback(Journal(tmp_path))
    limits = Limits(per_minute=10)
    entry = one.ask("who")
    assert other.count("who", limits).remaining == 8
    one.withdraw(entry)
    one.withdraw(one.ask("who"))
    assert one.count("who", limits).remaining == 8


def test_who_was_refused_while_another_process_took_over_counts_as_nobody(tmp_path):
    one, other = Fallback(Journal(tmp_path)), Fallback(Journal(tmp_path))
    full = Limits(per_minute=1, per_day=10)
    assert one.count("late", full).outcome == ADMITTED
    entry = one.ask("late")
    with ThreadPoolExecutor(1) as thread:

        def take_over():
            try:
                return other.count("late", full).outcome
            finally:
                connection.close()

        with transaction.atomic():
            lock = "SELECT pg_advisory_xact_lock(hashtextextended('hub_admit:late', 0))"
            with connection.cursor() as cursor:
                cursor.execute(lock)
            takes_over = thread.submit(take_over)
            wait_until(somebody_waits_for_a_lock, seconds=5, every=0.01)
            one.withdraw(entry)
            assert one.count("late", full).outcome == MINUTE_FULL
        assert takes_over.result() == MINUTE_FULL
    again = one.count("late", Limits(per_minute=2, per_day=10))
    assert (again.outcome, again.day_used) == (ADMITTED, 2)


def somebody_waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted)"
        )
        return cursor.fetchone()[0]
