"""What usage_growth measures, once its database is there."""

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import redis
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from config import tenancy
from credentials.models import RequestLog
from credentials.selectors.requests import RequestSearch, request_search
from credentials.services.tokens import token_issue
from partners.models import Membership, Organization, User
from partners.services.audit import Actor
from partners.services.organizations import member_add, organization_create

DAYS = 30
# 40 keys of 20 clients on 24 endpoints: each key uses every endpoint every day, which is the worst there is.
# Requests come from the last 30 whole days and today, more by day than by night.
ROWS = """
INSERT INTO partner_api_requests (id, created_at, organization_id, environment, client_id,
  partner_api_key_id, key_id, method, endpoint, path, response_status, error_code, response_time_ms,
  request_id, ip, request_bytes, response_bytes)
SELECT uuidv7(at - clock_timestamp()), at, CASE WHEN key <= 32 THEN %(big)s ELSE %(small)s END::uuid,
  'production', md5('client' || key / 2)::uuid, md5('key' || key)::uuid,
  'pk_production_' || lpad(key::text, 12, '0'), (ARRAY['GET', 'POST'])[1 + endpoint %% 2],
  '/api/partner/v1/things' || endpoint, '/api/partner/v1/things' || endpoint || '/' || n, status,
  CASE WHEN status >= 400 THEN 'CODE_' || status ELSE '' END, took, gen_random_uuid()::text, '203.0.113.7',
  200, 1500
FROM (
  SELECT n, %(day)s::timestamptz
      + (0.5 + 0.18 * (random() + random() + random() - 1.5)) * interval '1 day' AS at,
    1 + floor(40 * random() * random())::int AS key, floor(24 * random())::int AS endpoint,
    (ARRAY[200, 200, 200, 200, 200, 201, 201, 202, 400, 401, 404, 409, 422, 429, 500, 503])
      [1 + floor(16 * random() * random())::int] AS status,
    exp(1.5 + random() + random() + random()) AS took
  FROM generate_series(1, %(count)s) n OFFSET 0
) made"""
RAW = (
    "SELECT count(*), count(*) FILTER (WHERE response_status >= 400), avg(response_time_ms),"
    " percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY response_time_ms)"
    " FROM partner_api_requests WHERE {mine}",
    "SELECT date_trunc('day', created_at, 'UTC'), count(*) FROM partner_api_requests WHERE {mine} GROUP BY 1",
    "SELECT key_id, count(*), count(*) FILTER (WHERE response_status >= 400) FROM partner_api_requests"
    " WHERE {mine} GROUP BY 1",
    "SELECT endpoint, method, count(*), avg(response_time_ms) FROM partner_api_requests"
    " WHERE {mine} GROUP BY 1, 2",
    "SELECT endpoint, method, response_status, error_code, count(*) FROM partner_api_requests"
    " WHERE {mine} AND response_status >= 400 GROUP BY 1, 2, 3, 4",
)
ROLLUPS = tuple(
    f"usage_{kind}{period}" for kind in ("", "errors_") for period in ("quarter_hourly", "hourly", "daily")
)


def measure(*, rows: int, calls: int) -> None:
    call_command("migrate", database="owner", interactive=False, verbosity=0)
    actor = Actor("benchmark")
    big = organization_create(name="Big", slug="big", actor=actor)
    small = organization_create(name="Small", slug="small", actor=actor)
    owner = User.objects.create_user("owner@big.example")
    member_add(organization=big, user=owner, role=Membership.Role.OWNER, actor=actor)
    token = token_issue(user=owner, label="benchmark", valid_for=timedelta(days=1))
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute("SET hub.operator = 'on'")
        _fill(connection, rows, str(big.id), str(small.id))
        _dashboard(connection, big, Client(headers={"Authorization": f"Bearer {token}"}), calls)
    admin = Client()
    admin.force_login(User.objects.create_superuser("admin@big.example"))
    page = reverse("dashboard-usage")
    _report("page: usage, 30 days, whole hub", _timed(lambda: admin.get(page, {"range": "30d"}), calls // 4))
    _look_ups(big, max(10, calls // 10))


def _dashboard(connection: Any, organization: Organization, client: Client, calls: int) -> None:
    today = datetime.now(UTC).date()
    month = {"dateFrom": str(today - timedelta(days=DAYS)), "dateTo": str(today)}
    mine = f"organization_id = '{organization.id}' AND created_at >= '{month['dateFrom']} 00:00Z'"

    def ask(**query: str) -> int:
        answer = client.get("/partner/credentials/usage/dashboard", query)
        assert answer.status_code == 200, answer.content
        return answer.json()["totalRequests"]

    def count() -> list[Any]:
        return [connection.execute(sql.format(mine=mine)).fetchall() for sql in RAW]

    (counted, *_), *_ = count()[0]
    assert ask(**month) == counted, "roll-ups and rows must agree"
    print(f"{counted:,} rows are the owner's, of {DAYS} days and today\n")
    raw, rolled_up = _timed(count, 5), _timed(lambda: ask(**month), calls)
    _report("GET usage/dashboard, 30 days", rolled_up)
    _report("the same figures from the rows (SQL alone)", raw)
    print(f"{'':44} {statistics.median(raw) / statistics.median(rolled_up):.0f} times as long\n")
    _report("GET usage/dashboard, last 24 hours", _timed(ask, calls))
    inside = f"{month['dateFrom']}T09:30:00Z"
    _report("GET usage/dashboard, 30 days from 09:30", _timed(lambda: ask(dateFrom=inside), calls))


def _look_ups(big: Organization, calls: int) -> None:
    print()
    with tenancy.operator():
        some = RequestLog.objects.order_by("created_at")[1000]
        key = str(some.partner_api_key_id)
        for name, search in {
            "newest": RequestSearch(),
            "by request id": RequestSearch(request_id=some.request_id),
            "by a request id that nobody had": RequestSearch(request_id="nobody-had-this"),
            "by key": RequestSearch(key=key),
            "by key and status": RequestSearch(key=key, status="503"),
            "by status": RequestSearch(status="503"),
            "by class of statuses": RequestSearch(status="5"),
            "by status of an organization": RequestSearch(organization_id=big.id, status="409"),
            "by path that is there": RequestSearch(path="/api/partner/v1/things7/"),
            "by path that is not there": RequestSearch(path="/nowhere"),
            "by method that is not there": RequestSearch(method="DELETE"),
        }.items():
            _report(f"look-up {name}", _timed(partial(request_search, search), calls))


def _fill(connection: Any, rows: int, big: str, small: str) -> None:
    """Make the days' partitions, their rows, and the roll-ups."""
    began = time.monotonic()
    for back in range(DAYS, -1, -1):
        day = datetime.now(UTC).date() - timedelta(days=back)
        if back > 1:  # later ones are there
            _partition(connection, day)
        count = rows // (DAYS + 1) + (back < rows % (DAYS + 1))
        connection.execute(ROWS, {"big": big, "small": small, "day": f"{day} 00:00Z", "count": count})
    inserted = time.monotonic()
    call_command("usage_rebuild", days=DAYS)
    print(f"inserted in {inserted - began:.0f} s, rolled up in {time.monotonic() - inserted:.0f} s")
    connection.execute(f"VACUUM ANALYZE partner_api_requests, {', '.join(ROLLUPS)}")
    for table in ROLLUPS:
        (held, size), *_ = connection.execute(
            f"SELECT count(*), pg_size_pretty(pg_total_relation_size('{table}')) FROM {table}"  # noqa: S608
        ).fetchall()
        print(f"  {table:22} {held:>9,} rows {size:>9}")


def _partition(connection: Any, day: date) -> None:
    connection.execute(
        f"CREATE TABLE partner_api_requests_{day:%Y%m%d} PARTITION OF partner_api_requests"
        f" FOR VALUES FROM ('{day} 00:00Z') TO ('{day + timedelta(days=1)} 00:00Z')"
    )


def _timed(act: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each of `times` calls, after one to warm up."""
    act()
    taken = []
    store = redis.Redis.from_url(os.environ["REDIS_URL"])
    for _ in range(times):
        store.flushdb()  # or the owner's calls were soon too many for a minute
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)


def _report(what: str, taken: list[float]) -> None:
    p99 = taken[min(len(taken) - 1, round(0.99 * len(taken)))]
    print(f"{what:44} median {statistics.median(taken):8.1f} ms   p99 {p99:8.1f} ms   ({len(taken)} calls)")
