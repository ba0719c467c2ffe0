"""GET /partner/credentials/usage/dashboard and the usage page: answered from roll-ups."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import tenancy
from config.api.exceptions import ValidationFailed
from credentials.selectors import usage_today
from credentials.selectors.usage import usage_report
from credentials.selectors.usage_range import Part, UsageRange
from credentials.services.tokens import token_issue
from partners.models import Membership
from partners.services.organizations import member_add
from tests.conftest import owner_connection
from tests.credentials.test_usage_rollups import line, ship
from tests.factories import ACTOR, make_key, make_organization, make_user

PATH = "/partner/credentials/usage/dashboard"
NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def now(time_machine):
    time_machine.move_to(NOW, tick=False)
    return NOW


@pytest.fixture
def dashboard(organization, now):
    """Asks as an owner of the organization."""
    person = make_user().user
    member_add(organization=organization, user=person, role=Membership.Role.OWNER, actor=ACTOR)
    token = token_issue(user=person, label="t", valid_for=timedelta(hours=1))
    client = Client()

    def ask(**query):
        return client.get(PATH, query, headers={"Authorization": f"Bearer {token}"})

    return ask


@pytest.fixture
def used(organization, tmp_path, now):
    """Requests of two keys over 40 days, and another organization's."""
    first, second, foreign = make_key(organization).key, make_key(organization).key, make_key().key

    def at(key, age, **given):
        return line(key, created_at=NOW - age, **given)

    refused = {"response_status": 404, "error_code": "NOT_FOUND"}
    limited = {
        "response_status": 429,
        "error_code": "RATE_LIMIT_EXCEEDED",
        "endpoint": "/b",
        "method": "POST",
    }
    lines = [
        *[at(first, timedelta(minutes=5), response_time_ms=10.0) for _ in range(8)],
        at(first, timedelta(minutes=5), response_time_ms=1000.0, **refused),
        at(second, timedelta(hours=3), response_time_ms=20.0, **limited),
        at(second, timedelta(hours=30), response_status=500, error_code="INTERNAL_SERVER_ERROR"),
        at(second, timedelta(days=6)),
        at(second, timedelta(days=40)),
        at(foreign, timedelta(minutes=5)),
        line(None, created_at=NOW, response_status=401),
    ]
    ship(tmp_path, lines)
    return first, second


def test_the_last_24_hours_in_full(dashboard, used):
    first, second = used
    usage = dashboard().json()
    assert (usage["dateFrom"], usage["dateTo"]) == ("2026-03-09T13:00:00Z", "2026-03-10T13:00:00Z")
    assert usage["groupBy"] == "hour"
    assert (usage["totalRequests"], usage["successfulRequests"], usage["failedRequests"]) == (10, 8, 2)
    assert usage["averageResponseTime"] == usage["responseTimeMs"]["average"] == 110.0
    times = usage["responseTimeMs"]
    assert times["p50"] == pytest.approx(10, rel=0.26)
    assert times["p99"] == pytest.approx(1000, rel=0.26)
    assert times["p50"] < times["p95"] <= times["p99"] <= 1000
    assert len(usage["requestsByTime"]) == 24
    assert [(row["time"], row["count"]) for row in usage["requestsByTime"] if row["count"]] == [
        ("2026-03-10T09:00:00Z", 1),
        ("2026-03-10T12:00:00Z", 9),
    ]
    assert [(row["keyId"], row["count"]) for row in usage["requestsByCredential"]] == [
        (first.key_id, 9),
        (second.key_id, 1),
    ]
    assert usage["requestsByStatus"] == [{"status": "2xx", "count": 8}, {"status": "4xx", "count": 2}]
    assert usage["errorsByCredential"] == [
        {"keyId": first.key_id, "count": 1},
        {"keyId": second.key_id, "count": 1},
    ]
    by_endpoint = usage["requestsByEndpoint"]
    names = ("method", "endpoint", "count", "avgResponseTime")
    assert [tuple(row[name] for name in names) for row in by_endpoint] == [
        ("GET", "/x", 9, 120.0),
        ("POST", "/b", 1, 20.0),
    ]
    assert usage["topErrorCodes"] == [{"statusCode": 404, "count": 1}, {"statusCode": 429, "count": 1}]
    assert {
        "endpoint": "/b",
        "method": "POST",
        "statusCode": 429,
        "error": "RATE_LIMIT_EXCEEDED",
        "count": 1,
    } in (usage["errorsByEndpoint"])


@pytest.mark.parametrize(
    ("query", "total", "group_by", "slots"),
    [
        ({"dateFrom": "2026-03-10T09:00:00Z", "dateTo": "2026-03-10T10:00:00Z"}, 1, "hour", 1),
        ({"dateFrom": "2026-03-10T12:20:00+02:00"}, 9, "hour", 3),
        ({"dateFrom": "2026-03-09", "dateTo": "2026-03-09"}, 1, "hour", 24),
        ({"dateFrom": "2026-03-08", "dateTo": "2026-03-10"}, 11, "day", 3),
        ({"dateFrom": "2026-03-04", "groupBy": "day"}, 12, "day", 7),
        ({"dateFrom": "2026-03-04T12:00:00Z", "groupBy": "day"}, 12, "day", 7),
        ({"dateFrom": "2026-03-04T13:00:00Z", "groupBy": "day"}, 11, "day", 7),
        ({"dateFrom": "2026-03-04T13:00:00Z", "dateTo": "2026-03-10T11:00:00Z"}, 2, "day", 7),
        ({"dateFrom": "2026-03-04T13:00:00Z", "groupBy": "hour"}, 11, "hour", 144),
        ({"dateFrom": "2026-01-01"}, 13, "day", 69),
        ({"dateFrom": "2027-01-01"}, 0, "hour", 1),
        ({"dateTo": "2026-03-10T11:00:00Z"}, 1, "hour", 24),
        ({"dateTo": "0001-01-01"}, 0, "hour", 24),
        ({"dateFrom": "0001-01-01", "dateTo": "9999-12-31"}, 13, "day", 731),
    ],
    ids=str,
)
def test_a_range_counts_its_hours_and_days(dashboard, used, settings, query, total, group_by, slots):
    settings.USAGE_HOURLY_RETENTION_DAYS = 2000
    usage = dashboard(**query).json()
    assert (usage["totalRequests"], usage["groupBy"]) == (total, group_by)
    assert len(usage["requestsByTime"]) == slots
    assert sum(row["count"] for row in usage["requestsByTime"]) == total


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"dateFrom": "yesterday"}, "dateFrom"),
        ({"dateTo": "2026-13-01"}, "dateTo"),
        ({"groupBy": "minute"}, "groupBy"),
        ({"dateFrom": "2026-03-02", "dateTo": "2026-03-01"}, "dateFrom"),
        ({"dateFrom": "2026-01-01", "groupBy": "hour"}, "groupBy"),
        ({"dateFrom": "2025-11-01", "dateTo": "2025-11-02", "groupBy": "hour"}, "groupBy"),
    ],
    ids=str,
)
def test_a_range_that_cannot_be_counted_is_refused(dashboard, query, field):
    answer = dashboard(**query)
    assert answer.status_code == 400
    assert answer.json()["error"] == "VALIDATION_ERROR"
    assert answer.json()["details"][field]


def test_past_the_hours_that_are_kept_whole_days_are_counted(now, settings):
    settings.USAGE_HOURLY_RETENTION_DAYS = 5
    extent = UsageRange.of(date_from=NOW - timedelta(days=20), date_to=NOW - timedelta(days=10))
    assert extent.parts() == [
        Part("daily", datetime(2026, 2, 18, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    ]
    with pytest.raises(ValidationFailed):
        UsageRange.of(date_from=NOW - timedelta(days=6), date_to=NOW - timedelta(days=5.9))


def test_edges_are_read_by_the_hour_and_whole_days_by_the_day(now):
    extent = UsageRange.of(date_from=NOW - timedelta(days=7), date_to=NOW - timedelta(days=1))
    second, last = datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
    assert extent.parts() == [
        Part("hourly", datetime(2026, 3, 3, 12, tzinfo=UTC), second),
        Part("daily", second, last),
        Part("hourly", last, datetime(2026, 3, 9, 13, tzinfo=UTC)),
    ]


def test_no_usage_is_no_error(dashboard):
    usage = dashboard().json()
    assert (usage["totalRequests"], usage["averageResponseTime"]) == (0, None)
    assert usage["responseTimeMs"] == {"average": None, "p50": None, "p95": None, "p99": None}
    assert usage["requestsByEndpoint"] == usage["topErrorCodes"] == []


def test_no_row_of_the_log_is_read(dashboard, used, admin_client):
    with owner_connection() as owner:
        owner.execute("TRUNCATE partner_api_requests")
    assert dashboard().json()["totalRequests"] == 10
    for name in ("dashboard-usage", "dashboard-home"):
        with CaptureQueriesContext(connection) as asked:
            assert admin_client.get(reverse(name)).status_code == 200
        counted = [query["sql"] for query in asked if "partner_api_requests" in query["sql"]]
        assert all("LIMIT 10" in sql for sql in counted)


def test_another_organizations_usage_is_404(dashboard, used):
    assert dashboard(organizationId=str(make_organization().id)).status_code == 404


def test_a_keys_day_is_counted_from_midnight(used, now):
    first, second = used
    with tenancy.operator():
        today = usage_today(first)
        assert (today["requests_today"], today["errors_today"], today["average_ms"]) == (9, 1, 120.0)
        assert usage_today(second)["requests_today"] == 1
        assert usage_today(make_key().key)["average_ms"] is None


@pytest.mark.parametrize("extent", ["the last day", "whole days"])
def test_one_clients_usage_is_its_own(used, organization, extent):
    _, second = used
    extent = UsageRange.of() if extent == "the last day" else UsageRange.days(7)
    with tenancy.tenant(organization.id):
        by_client = usage_report(extent, organization_id=organization.id, client_id=second.client_id)
        by_key = usage_report(extent, organization_id=organization.id, key_id=second.key_id)
    assert by_client == by_key
    days = extent.group_by == "day"
    assert (by_client["totals"]["requests"], by_client["totals"]["errors"]) == ((3, 2) if days else (1, 1))
    assert by_client["totals"]["p95"] is not None
    assert [key["key_id"] for key in by_client["by_key"]] == [second.key_id]
    assert sum(row["requests"] for row in by_client["by_endpoint"]) == by_client["totals"]["requests"]
    assert sum(row["requests"] for row in by_client["by_status"]) == by_client["totals"]["errors"]
    assert ("/b", 429, "RATE_LIMIT_EXCEEDED") in [
        (row["endpoint"], row["status"], row["code"]) for row in by_client["errors"]
    ]


@pytest.mark.parametrize(
    ("query", "requests", "errors"),
    [({}, 12, 3), ({"range": "7d"}, 14, 4), ({"range": "30d"}, 14, 4), ({"range": "no"}, 12, 3)],
    ids=str,
)
def test_the_usage_page_counts_the_whole_hub(admin_client, used, query, requests, errors):
    page = admin_client.get(reverse("dashboard-usage"), query)
    assert page.status_code == 200
    totals = page.context["totals"]
    assert (totals["requests"], totals["errors"]) == (requests, errors)
    assert sum(key["requests"] for key in page.context["keys"]) == requests
    assert b"without a key" in page.content
    assert b"unknown path" not in page.content


def test_the_usage_page_of_one_organization(admin_client, used, organization):
    page = admin_client.get(reverse("dashboard-usage"), {"organization": str(organization.id)})
    assert page.context["totals"]["requests"] == 10
    assert b"NOT_FOUND" in page.content
    assert b"without a key" not in page.content


def test_an_unused_hub_has_a_usage_page(admin_client):
    assert b"No requests in this time" in admin_client.get(reverse("dashboard-usage")).content
