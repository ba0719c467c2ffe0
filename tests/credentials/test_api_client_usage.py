"""Contract D: a client's usage, its dashboard, and the rate-limit tiers."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from config import tenancy
from credentials.models import ApiKey
from tests.api_clients import CLIENTS, KeyCaller
from tests.credentials.test_usage_rollups import line, ship
from tests.factories import make_key
from tests.partner import Partner
from tests.people import Caller, make_member
from tests.webhooks.rows import make_subscription

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def now(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def used(organization, tmp_path, now):
    """Requests of a client with two keys, and of another client of the organization."""
    first = make_key(organization, name="Acme").key
    second = make_key(organization, name="Acme").key
    other = make_key(organization, name="Globex").key
    refused = {"response_status": 404, "error_code": "NOT_FOUND"}

    def at(key, age, **given):
        return line(key, created_at=NOW - age, **given)

    lines = [
        *[at(first, timedelta(minutes=5), response_time_ms=10.0) for _ in range(8)],
        at(second, timedelta(minutes=5), response_time_ms=100.0, **refused),
        at(second, timedelta(days=2), endpoint="/b", method="POST", response_time_ms=20.0),
        *[at(other, timedelta(minutes=5)) for _ in range(50)],
    ]
    ship(tmp_path, lines)
    return first, second, other


@pytest.fixture
def owner(organization, used):
    return Caller(make_member("owner", organization))


def test_usage_is_the_clients_own(owner, used):
    first, second, _other = used
    path = f"{CLIENTS}/{first.client_id}/usage"
    usage = owner("get", path).json()
    assert (usage["totalRequests"], usage["successfulRequests"], usage["failedRequests"]) == (9, 8, 1)
    assert usage["averageResponseTime"] == 20.0
    assert usage["topErrorCodes"] == [{"statusCode": 404, "count": 1}]
    assert {row["keyId"]: row["count"] for row in usage["requestsByCredential"]} == {
        first.key_id: 8,
        second.key_id: 1,
    }
    (endpoint,) = usage["requestsByEndpoint"]
    assert (endpoint["count"], endpoint["avgResponseTime"]) == (9, 20.0)
    assert (usage["requestsByTime"][-1]["time"], usage["requestsByTime"][-1]["count"]) == (
        "2026-03-10T12:00:00Z",
        9,
    )
    by_day = owner("get", path, dateFrom="2026-03-07", dateTo="2026-03-10", groupBy="day").json()
    assert [slot["count"] for slot in by_day["requestsByTime"]] == [0, 1, 0, 9]
    assert {row["endpoint"] for row in by_day["requestsByEndpoint"]} == {endpoint["endpoint"], "/b"}
    for bad in (
        {"groupBy": "week"},
        {"dateFrom": "soon"},
        {"dateFrom": "2026-03-10", "dateTo": "2026-03-01"},
    ):
        assert owner("get", path, **bad).status_code == 400


def test_a_partner_sees_its_own_figures(used, organization):
    first, _, _ = used
    key = KeyCaller(make_key(organization, name="Acme", scopes=["usage:read"]))
    assert key("get", f"{CLIENTS}/{first.client_id}/usage").json()["totalRequests"] == 9


def test_the_dashboard_says_what_the_client_did_and_has(owner, used):
    first, _, _ = used
    with tenancy.operator():
        client = ApiKey.objects.select_related("client").get(id=first.id).client
    make_subscription("https://acme.example/1", client=client)
    make_subscription("https://acme.example/2", client=client, status="PAUSED")
    answer = owner("get", f"{CLIENTS}/{client.id}/dashboard")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"client", "usageStats", "activeWebhooks", "totalWebhooks", "rateLimitStatus"}
    assert body["client"] == owner("get", f"{CLIENTS}/{client.id}").json()
    assert (body["usageStats"]["totalRequests"], len(body["usageStats"]["requestsByTime"])) == (10, 30)
    assert (body["activeWebhooks"], body["totalWebhooks"]) == (1, 2)
    assert set(body["rateLimitStatus"]) == {"tier", "remaining", "limit", "resetAt"}


# --- How near the limit -----------------------------------------------------------------


def status_of(organization, key):
    owner = Caller(make_member("owner", organization))
    return owner("get", f"{CLIENTS}/{key.key.client_id}/dashboard").json()["rateLimitStatus"]


def test_the_rate_limit_status_is_what_the_next_call_of_the_busiest_key_would_read(organization):
    given = {"name": "Acme", "scopes": ["leads:read"], "requests_per_minute": None}
    idle, busy = make_key(organization, **given), make_key(organization, **given)
    for _ in range(3):
        answer = Partner(busy).get("/health")
    status = status_of(organization, idle)
    assert (status["tier"], status["limit"]) == ("STANDARD", 120)
    assert status["remaining"] == int(answer["X-RateLimit-Remaining"]) == 117
    assert status["resetAt"][:19] == answer["X-RateLimit-Reset"][:19]
    assert status_of(organization, idle) == status, "looking counts nothing"
    assert Partner(busy).get("/health")["X-RateLimit-Remaining"] == "116"


def test_a_token_bucket_and_a_used_up_day_are_told_too(organization):
    bucket = make_key(organization, requests_per_minute=60, burst=90)
    answer = Partner(bucket).get("/health")
    status = status_of(organization, bucket)
    assert (status["limit"], status["remaining"]) == (60, int(answer["X-RateLimit-Remaining"]))
    spent = make_key(organization, daily_quota=1)
    Partner(spent).get("/health")
    status = status_of(organization, spent)
    assert status["remaining"] == 0
    assert status["resetAt"].endswith("T00:00:00Z")


def test_a_client_without_a_live_key_has_its_tiers_limit(organization):
    key = make_key(organization)
    with tenancy.operator():
        ApiKey.objects.update(status="revoked")
    status = status_of(organization, key)
    assert (status["remaining"], status["limit"]) == (120, 120)
    assert status["resetAt"]


def test_without_the_store_the_rest_is_answered(organization, no_store):
    status = status_of(organization, make_key(organization))
    assert (status["tier"], status["remaining"], status["resetAt"]) == ("STANDARD", None, None)


def test_the_tiers_are_the_contracts(organization):
    key = make_key(organization, scopes=["leads:read"])
    body = Client(headers={"Authorization": f"Bearer {key.raw}"}).get("/api/v1/rate-limits").json()
    assert set(body) == {"data"}
    assert [tuple(tier.values()) for tier in body["data"]] == [
        ("BASIC", 60, 1_000, 10_000),
        ("STANDARD", 120, 5_000, 50_000),
        ("PREMIUM", 300, 15_000, 150_000),
        ("ENTERPRISE", 600, 50_000, 500_000),
    ]
    names = {"tier", "requestsPerMinute", "requestsPerHour", "requestsPerDay"}
    assert {frozenset(tier) for tier in body["data"]} == {frozenset(names)}
