"""Single requests, found in the dashboard and in the admin without ever scanning the log."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from uuid_utils import uuid7

from config import tenancy
from credentials.models import RequestLog
from credentials.selectors import requests as selector
from tests.factories import make_key, make_user
from tests.people import Caller, browser, make_member

NOW = datetime.now(UTC)


def row(number=0, key=None, **given):
    """A row of the log, `number` seconds old."""
    return RequestLog(
        **{
            "id": str(uuid7()),
            "created_at": NOW - timedelta(seconds=number),
            "organization_id": key and key.organization_id,
            "environment": key.environment if key else "",
            "client_id": key and key.client_id,
            "partner_api_key_id": key and key.id,
            "key_id": key.key_id if key else "",
            "method": "GET",
            "endpoint": "/x",
            "path": "/x",
            "response_status": 200,
            "response_time_ms": 1.0,
            "request_id": f"request-{number}",
            "ip": "127.0.0.1",
        }
        | given
    )


@pytest.fixture
def live():
    return make_key(environment="production").key


@pytest.fixture
def log(live):
    """Ten requests of two organizations and of nobody, newest first."""
    other = make_key().key
    rows = [
        row(0, other, method="POST", path="/api/partner/v1/leads", response_status=201),
        row(1, live, path="/api/partner/v1/leads"),
        row(2, other, path="/api/partner/v1/jobs/7/status"),
        row(3, live, path="/api/partner/v1/jobs/8/status", response_status=404),
        row(4, None, response_status=401),
        row(5, live, response_status=429),
        row(6, other, response_status=500),
        row(7, live, response_status=503),
        row(3600, live, path="/100%/_x"),
        row(2 * 86_400, live, response_status=404),
    ]
    with tenancy.operator():
        RequestLog.objects.bulk_create(rows)
    return rows


@pytest.fixture
def search(admin_client):
    """The numbers (ages in seconds) of the requests that the page finds."""

    def look(**query):
        answer = admin_client.get(reverse("dashboard-requests"), query)
        assert answer.status_code == 200
        return [int(found.request_id.split("-")[1]) for found in answer.context["rows"]]

    return look


def minute(age):
    return (NOW - age).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "request-5"}, [5]),
        ({"q": "request-77"}, []),
        ({"status": "404"}, [3, 172_800]),
        ({"status": "201"}, [0]),
        ({"status": "4"}, [3, 4, 5, 172_800]),
        ({"status": "5xx"}, [6, 7]),
        ({"status": "2"}, [0, 1, 2, 3600]),
        ({"status": "4x4"}, [0, 1, 2, 3, 4, 5, 6, 7, 3600, 172_800]),
        ({"method": "POST"}, [0]),
        ({"path": "/api/partner/v1/jobs"}, [2, 3]),
        ({"path": "/100%/_"}, [3600]),
        ({"path": "/%"}, []),
        ({"environment": "production", "status": "5"}, [7]),
        ({"since": minute(timedelta(hours=2)), "until": minute(timedelta(minutes=30))}, [3600]),
        ({"until": minute(timedelta(days=1))}, [172_800]),
        ({"since": "no time", "until": "9999-12-31T23:59"}, [0, 1, 2, 3, 4, 5, 6, 7, 3600, 172_800]),
    ],
    ids=str,
)
def test_the_page_finds_requests(log, search, query, found):
    assert search(**query) == found


def test_a_keys_requests_are_found_by_its_id_and_status(log, search, live):
    assert search(key=live.key_id) == [1, 3, 5, 7, 3600, 172_800]
    assert search(key=str(live.id)) == [1, 3, 5, 7, 3600, 172_800]
    assert search(key=live.key_id, status="404") == [3, 172_800]
    assert search(key=live.key_id, status="5") == [7]
    assert search(key=live.key_id, path="/api/") == [1, 3]
    assert search(key="pk_sandbox_nobody") == []


def test_an_organization_finds_its_own(log, live):
    with tenancy.tenant(live.organization_id):
        mine = selector.RequestSearch(organization_id=live.organization_id, status="404")
        page = selector.request_search(mine)
        assert [found.request_id for found in page.rows] == ["request-3", "request-172800"]


def follow(admin_client, **query):
    """Every row of every page, by the links to older ones."""
    seen, pages = [], 0
    while True:
        answer = admin_client.get(reverse("dashboard-requests"), query)
        seen += [found.request_id for found in answer.context["rows"]]
        pages += 1
        if not answer.context["next_cursor"]:
            return seen, pages
        query["before"] = answer.context["next_cursor"]


def test_pages_miss_and_repeat_nothing_where_rows_share_their_time(admin_client):
    with tenancy.operator():
        RequestLog.objects.bulk_create([row(7, request_id=f"same-{n}") for n in range(130)])
    seen, pages = follow(admin_client)
    assert pages == 3
    assert len(seen) == len(set(seen)) == 130


def test_one_look_up_passes_a_limited_number_of_rows_and_the_next_continues(admin_client, monkeypatch):
    monkeypatch.setattr(selector, "WALKS", (10, 40))
    with tenancy.operator():
        rows = [row(n // 3, request_id=f"n-{n}", method="POST" if n % 90 == 0 else "GET") for n in range(200)]
        RequestLog.objects.bulk_create(rows)
    first = admin_client.get(reverse("dashboard-requests"), {"method": "POST"})
    assert [found.request_id for found in first.context["rows"]] == ["n-0"]
    assert first.context["searched_to"] is not None
    assert b"Search further back" in first.content
    seen, pages = follow(admin_client, method="POST")
    assert seen == ["n-0", "n-90", "n-180"]
    assert pages == 5


@pytest.mark.parametrize("before", ["x", "_", "2026-01-01T00:00:00+00:00_x", "\x00_\x00", "9999-12-31_1"])
def test_a_bad_place_is_the_beginning(log, search, before):
    assert len(search(before=before)) == 10


def test_one_request_has_a_page(partner, shipped, admin_client):
    answer = partner.get("/jobs/00000000-0000-7000-8000-000000000000/status")
    shipped()
    listed = admin_client.get(reverse("dashboard-requests"), {"q": answer["X-Request-Id"]})
    (found,) = listed.context["rows"]
    url = reverse("dashboard-request", args=[found.id])
    assert url in listed.content.decode()
    page = admin_client.get(url).content.decode()
    for part in (answer["X-Request-Id"], "NOT_FOUND", partner.issued.key.key_id, found.path, "127.0.0.1"):
        assert part in page
    assert admin_client.get(reverse("dashboard-request", args=[uuid7()])).status_code == 404
    for unknown in ("00000000-0000-4000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"):
        assert admin_client.get(reverse("dashboard-request", args=[unknown])).status_code == 404
        assert (
            admin_client.get(reverse("admin:credentials_requestlog_change", args=[unknown])).status_code
            == 302
        )


def test_a_row_written_late_is_found_by_its_id(admin_client):
    with tenancy.operator():
        late = RequestLog.objects.create(**vars_of(row(-7200)))
    assert admin_client.get(reverse("dashboard-request", args=[late.pk])).status_code == 200


def vars_of(unsaved):
    return {field.name: getattr(unsaved, field.name) for field in RequestLog._meta.fields}


@pytest.mark.parametrize("name", ["dashboard-requests", "dashboard-usage"])
def test_the_log_and_usage_are_for_super_admins(name):
    client = Client()
    client.force_login(make_user().user)
    assert client.get(reverse(name)).status_code == 403
    assert client.get(reverse("dashboard-request", args=[uuid7()])).status_code == 403


CHANGE_LIST = "admin:credentials_requestlog_changelist"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 10),
        ({"q": "request-5"}, 1),
        ({"q": "/api/partner/v1/jobs"}, 2),
        ({"status": "4"}, 4),
        ({"status": "404"}, 2),
        ({"method": "POST"}, 1),
        ({"environment": "production", "status": "5"}, 1),
        ({"age": "1d"}, 1),
    ],
    ids=str,
)
def test_the_admin_finds_requests(log, admin_client, query, found):
    answer = admin_client.get(reverse(CHANGE_LIST), query)
    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == found


def test_the_admin_finds_a_keys_requests(log, admin_client, live):
    answer = admin_client.get(reverse(CHANGE_LIST), {"q": live.key_id})
    assert len(answer.context["cl"].result_list) == 6


def test_no_page_counts_the_log_or_looks_for_its_distinct_values(admin_client):
    with tenancy.operator():
        RequestLog.objects.bulk_create([row(n) for n in range(60)])
    for url in (reverse(CHANGE_LIST), reverse("dashboard-requests"), reverse("dashboard-home")):
        with CaptureQueriesContext(connection) as asked:
            admin_client.get(url)
        of_log = [query["sql"] for query in asked if "partner_api_requests" in query["sql"]]
        assert of_log
        for sql in of_log:
            assert "DISTINCT" not in sql
            assert "LIMIT" in sql


def test_a_persons_requests_are_found_by_e_mail_and_shown(organization, shipped, admin_client, log):
    owner, other = make_member("owner", organization), make_member("manager", organization)
    answer = Caller(owner)("get", "/api/v1/leads")
    refused = Caller(owner)("get", "/api/v1/leads", organizationId="mine")
    Caller(other)("get", "/api/v1/leads")
    shipped()

    def found(**query):
        listed = admin_client.get(reverse("dashboard-requests"), query)
        assert owner.email in listed.content.decode()
        return [row.request_id for row in listed.context["rows"]]

    mine = [refused["X-Request-Id"], answer["X-Request-Id"]]
    assert found(person=owner.email.upper()) == found(person=str(owner.pk)) == mine
    assert found(person=owner.email, status="400") == found(person=owner.email, status="4") == mine[:1]
    assert found(person=owner.email, status="2") == mine[1:]
    nobody = admin_client.get(reverse("dashboard-requests"), {"person": "nobody@hub.example"})
    assert nobody.context["rows"] == []

    (row,) = admin_client.get(reverse("dashboard-requests"), {"q": mine[1]}).context["rows"]
    detail = admin_client.get(reverse("dashboard-request", args=[row.id])).content.decode()
    assert owner.email in detail
    assert f"?person={owner.pk}" in detail
    listed = admin_client.get(reverse(CHANGE_LIST), {"q": owner.email})
    assert [row.request_id for row in listed.context["cl"].result_list] == mine
    assert owner.email in listed.content.decode()
    change = admin_client.get(reverse("admin:credentials_requestlog_change", args=[row.id])).content.decode()
    assert str(owner.pk) in change

    # the log outlives the account, and tells nobody but super-admins
    manager = browser(other)
    for query in ({}, {"person": other.email}, {"person": str(owner.pk)}):
        page = manager.get(reverse("dashboard-requests"), query)
        assert 'name="person"' not in page.content.decode()
        assert page.context["rows"] == []
    assert manager.get(reverse("dashboard-request", args=[row.id])).status_code == 404
    with tenancy.operator():
        owner.delete()
    detail = admin_client.get(reverse("dashboard-request", args=[row.id])).content.decode()
    assert "whose account is gone" in detail


SEARCHES = {
    "partner_api_requests_pkey": {"method": "POST"},
    "partner_api_requests_request_id": {"request_id": "request-5"},
    "partner_api_requests_user": {"person": "PERSON", "status": "404"},
    "partner_api_requests_key": {"key": "KEY"},
    "partner_api_requests_key_errors": {"key": "KEY", "status": "404"},
    "partner_api_requests_organization": {"organization_id": "ORGANIZATION"},
    "partner_api_requests_organization_errors": {"organization_id": "ORGANIZATION", "status": "5"},
    "partner_api_requests_errors": {"status": "4"},
    "partner_api_requests_status": {"status": "404"},
}


@pytest.mark.parametrize("index", SEARCHES)
def test_every_look_up_has_an_index_in_its_order(log, live, index):
    asked = {"KEY": str(live.id), "PERSON": str(live.id), "ORGANIZATION": str(live.organization_id)}
    search = selector.RequestSearch(**{n: asked.get(v, v) for n, v in SEARCHES[index].items()})
    with tenancy.operator(), connection.cursor() as cursor:
        # a small table is quicker to scan: what matters is that an index serves the filter and the order
        for other in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{other} = off")
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [index]
        )
        names = {name for (name,) in cursor.fetchall()}
        plan = search._walk()[:51].explain()
    assert any(f" using {name} " in plan for name in names), plan
    assert ("Sort  " in plan) == (index == "partner_api_requests_request_id")
