"""Usage rolled up by hour and by day: always equal to the request log, and kept longer."""

import random
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client

from config import tenancy
from credentials.rollups import BOUNDS_MS, percentile
from credentials.tasks import clean_up
from credentials.usage import Spool, spool_ship
from tests.conftest import owner_connection
from tests.factories import make_key, spool_append
from tests.partner import BASE

TABLES = tuple(
    f"usage_{kind}{period}" for kind in ("", "errors_") for period in ("quarter_hourly", "hourly", "daily")
)
NOW = datetime.now(UTC)


def line(key=None, **given):
    """A request as (created_at, what Spool.append takes)."""
    row = {
        "created_at": NOW,
        "organization_id": key and key.organization_id,
        "environment": key.environment if key else "",
        "client_id": key and key.client_id,
        "partner_api_key_id": key and key.id,
        "key_id": key.key_id if key else "",
        "method": "GET",
        "endpoint": "/x",
        "path": "/x",
        "response_status": 200,
        "error_code": "",
        "response_time_ms": 5.0,
        "request_id": "some-request",
        "ip": "127.0.0.1",
        "request_bytes": 10,
        "response_bytes": 100,
    } | given
    created_at, *rest = row.values()
    return created_at, tuple(rest)


def random_lines(keys, count, seed=7):
    chance = random.Random(seed)
    lines = []
    for _ in range(count):
        status = chance.choice([200, 200, 201, 204, 400, 404, 429, 500, 503])
        lines.append(
            line(
                chance.choice(keys),
                created_at=NOW - timedelta(minutes=chance.randrange(4 * 1440)),
                method=chance.choice(["GET", "POST", "BREW"]),
                endpoint=chance.choice(["/a", "/b", "/c/{id}", ""]),
                response_status=status,
                error_code=chance.choice(["X", "Y"]) if status >= 400 else "",
                response_time_ms=round(chance.lognormvariate(2, 1.5), 3),
                request_bytes=chance.randrange(500),
                response_bytes=chance.randrange(5000),
            )
        )
    return lines


def spooled(directory, lines):
    """A closed spool file with these requests, as a web process leaves it."""
    spool = Spool(directory)
    for created_at, row in lines:
        with time_machine.travel(created_at, tick=False):
            spool_append(spool, row)
    return spool.rotate()


def ship(directory, lines):
    spooled(directory, lines)
    return spool_ship(directory)


def read(sql, *values):
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def rolled_up(table):
    """A roll-up without what addition in another order changes."""
    columns = (
        "*"
        if "errors" in table
        else (
            "organization_id, grain, starts_at, environment, client_id, key_id, endpoint, method, requests,"
            " refused, failed, round(total_ms::numeric, 3), max_ms, request_bytes, response_bytes, latency"
        )
    )
    return read(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10")


def counted_from_the_log(grain, period):
    """What a roll-up must hold, counted row by row in Python."""
    rows = read(
        "SELECT organization_id, environment, client_id, key_id, endpoint, method, created_at,"
        " response_status, response_time_ms, request_bytes, response_bytes FROM partner_api_requests"
    )
    found = {}
    for org, environment, client, key_id, endpoint, method, at, status, took, received, sent in rows:
        at = at.astimezone(UTC)
        minute = at.minute // 15 * 15 if period == "quarter_hourly" else 0
        starts_at = at.replace(minute=minute, second=0, microsecond=0)
        if period == "daily":
            starts_at = starts_at.replace(hour=0)
        method = "OTHER" if method == "BREW" else method
        group = (
            org,
            grain,
            starts_at,
            environment,
            None if grain == "endpoint" else client,
            "" if grain == "endpoint" else key_id,
            "" if grain == "key" else endpoint,
            "" if grain == "key" else method,
        )
        sums = found.setdefault(group, [0, 0, 0, 0.0, 0.0, 0, 0, [0] * (len(BOUNDS_MS) + 1)])
        sums[0] += 1
        sums[1] += 400 <= status < 500
        sums[2] += status >= 500
        sums[3] += took
        sums[4] = max(sums[4], took)
        sums[5] += received
        sums[6] += sent
        sums[7][sum(took >= bound for bound in BOUNDS_MS)] += 1
    return {group: (*sums[:3], round(sums[3], 3), *sums[4:7], sums[7]) for group, sums in found.items()}


def the_same(period):
    held = {row[:8]: (*row[8:11], float(row[11]), *row[12:]) for row in rolled_up(f"usage_{period}")}
    wanted = {}
    for grain in ("key", "endpoint", "key_endpoint"):
        wanted |= counted_from_the_log(grain, period)
    return held == wanted


def test_rollups_equal_the_log_also_after_a_file_is_shipped_twice(tmp_path):
    keys = [None, make_key().key, make_key().key, make_key(environment="production").key]
    full = spooled(tmp_path, random_lines(keys, 400))
    lines = full.read_bytes().splitlines(keepends=True)
    full.write_bytes(b"".join(lines[:250]))
    assert spool_ship(tmp_path) == 250
    once = [rolled_up(table) for table in TABLES]
    assert once[0]
    full.write_bytes(b"".join(lines[:250]))
    spool_ship(tmp_path)
    assert [rolled_up(table) for table in TABLES] == once
    full.write_bytes(b"".join(lines[100:]))
    spool_ship(tmp_path)
    assert read("SELECT count(*) FROM partner_api_requests") == [(400,)]
    assert all(the_same(period) for period in ("quarter_hourly", "hourly", "daily"))


def test_errors_are_rolled_up_by_status_and_code(tmp_path):
    ship(tmp_path, random_lines([None, make_key().key], 300))
    for period, width in (("quarter_hourly", "15 minutes"), ("hourly", "1 hour"), ("daily", "1 day")):
        by_key = read(
            "SELECT organization_id, date_bin(%s, created_at, 'epoch'::timestamptz), environment, client_id,"
            " key_id, endpoint, CASE method WHEN 'BREW' THEN 'OTHER' ELSE method END, response_status,"
            " error_code, count(*) FROM partner_api_requests WHERE response_status >= 400"
            " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
            width,
        )
        table = f"usage_errors_{period}"
        names = "endpoint, method, response_status, error_code, requests"
        held = read(
            f"SELECT organization_id, starts_at, environment, client_id, key_id, {names} FROM {table}"
            " WHERE grain = 'key_endpoint'"
        )
        assert sorted(map(str, held)) == sorted(map(str, by_key))
        totals = (
            f"SELECT organization_id, starts_at, {names.replace('requests', 'sum(requests)')} FROM {table}"
            " WHERE grain = '{}' GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6"
        )
        assert read(totals.format("endpoint")) == read(totals.format("key_endpoint"))


def test_a_request_is_rolled_up_with_its_row(partner, shipped):
    partner.leads()
    partner.get("/nowhere")
    shipped()
    assert all(the_same(period) for period in ("quarter_hourly", "hourly", "daily"))


def test_a_batch_that_fails_leaves_neither_rows_nor_rollups(tmp_path):
    key = make_key().key
    ship(tmp_path, [line(key), line(key, response_status="no number")])
    assert list(tmp_path.glob("*.rejected"))
    assert read("SELECT count(*) FROM partner_api_requests") == [(0,)]
    assert [rolled_up(table) for table in TABLES] == [[]] * len(TABLES)


def test_shippers_at_once_neither_wait_in_a_circle_nor_lose_a_count(tmp_path):
    keys = [make_key().key for _ in range(6)]
    faults = []

    for number in range(4):
        for turn in range(8):
            spooled(tmp_path / str(number), random_lines(keys, 120, seed=number * 100 + turn))

    def ship_all(number):
        try:
            spool_ship(tmp_path / str(number))
        except Exception as fault:  # noqa: BLE001 (told below)
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=ship_all, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert read("SELECT count(*) FROM partner_api_requests") == [(4 * 8 * 120,)]
    assert the_same("daily")


def test_a_tenant_sees_its_own_rollups_and_requests_of_nobody_are_for_operators(tmp_path):
    mine, theirs = make_key().key, make_key().key
    ship(tmp_path, [line(mine), line(theirs), line(None, response_status=401, error_code="UNAUTHORIZED")])
    for table in TABLES:
        wanted = {theirs.organization_id} if "errors" not in table else set()
        with tenancy.tenant(theirs.organization_id), connection.cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT organization_id FROM {table}")
            assert {row[0] for row in cursor.fetchall()} == wanted
        assert (None,) in read(f"SELECT DISTINCT organization_id FROM {table}")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,)


def test_rollups_outlive_the_log(tmp_path, settings):
    key = make_key().key
    old = NOW - timedelta(days=settings.LOG_RETENTION_DAYS + 5)
    with owner_connection() as owner:
        owner.execute(
            f"CREATE TABLE partner_api_requests_{old:%Y%m%d} PARTITION OF partner_api_requests"
            f" FOR VALUES FROM ('{old:%Y-%m-%d} 00:00+00') TO ('{old + timedelta(days=1):%Y-%m-%d} 00:00+00')"
        )
    ship(tmp_path, [line(key), line(key, created_at=old)])
    daily = rolled_up("usage_daily")
    with owner_connection() as owner:
        assert owner.execute("SELECT cleanup_partner_api_logs(%s)", [90]).fetchone() == (1,)
    assert read("SELECT count(*) FROM partner_api_requests") == [(1,)]
    assert rolled_up("usage_daily") == daily
    assert len(rolled_up("usage_hourly")) == 6


def test_clean_up_ends_hours_and_days_at_their_own_ages(tmp_path, settings):
    settings.USAGE_QUARTER_HOURLY_RETENTION_DAYS = 5
    settings.USAGE_HOURLY_RETENTION_DAYS, settings.USAGE_DAILY_RETENTION_DAYS = 10, 20
    key = make_key().key
    ages = [timedelta(), timedelta(days=9), timedelta(days=12), timedelta(days=25)]
    lines = [line(key, created_at=NOW - age, response_status=500) for age in ages]
    ship(tmp_path, lines)
    clean_up()
    clean_up()
    held = [read(f"SELECT count(DISTINCT starts_at) FROM {table}")[0][0] for table in TABLES]
    assert held == [1, 2, 3, 1, 2, 3]


def test_a_rebuild_fills_rollups_from_the_log(tmp_path):
    keys = [None, make_key().key]
    ship(tmp_path, random_lines(keys, 200))
    filled = [rolled_up(table) for table in TABLES]
    with owner_connection() as owner:
        owner.execute(f"TRUNCATE {', '.join(TABLES)}")
    for _ in range(2):
        said = StringIO()
        call_command("usage_rebuild", stdout=said)
        assert "200 requests of" in said.getvalue()
        assert [rolled_up(table) for table in TABLES] == filled


def test_a_rebuild_leaves_days_whose_log_was_cleaned(tmp_path):
    key = make_key().key
    ship(tmp_path, [line(key), line(key)])
    with owner_connection() as owner:
        owner.execute(
            "DELETE FROM partner_api_requests WHERE id = (SELECT min(id::text)::uuid FROM"
            " partner_api_requests)"
        )
    before = rolled_up("usage_daily")
    said = StringIO()
    call_command("usage_rebuild", days=1, stdout=said)
    assert "kept as it is" in said.getvalue()
    assert rolled_up("usage_daily") == before


def test_refusals_without_a_key_are_counted_once_whatever_their_method(shipped):
    for method in ("GET", "BREW", "MELT"):
        Client().generic(method, f"{BASE}/health")
    shipped()
    assert read("SELECT method, requests FROM usage_daily WHERE grain = 'endpoint' ORDER BY 1") == [
        ("GET", 1),
        ("OTHER", 2),
    ]


@pytest.mark.parametrize("spread", [0.3, 1.0, 1.8])
def test_percentiles_are_close_to_the_truth(spread):
    chance = random.Random(spread)
    times = sorted(chance.lognormvariate(2.5, spread) for _ in range(20_000))
    latency = [0] * (len(BOUNDS_MS) + 1)
    for took in times:
        latency[sum(took >= bound for bound in BOUNDS_MS)] += 1
    for share in (0.5, 0.95, 0.99):
        truth = times[int(share * len(times))]
        assert percentile(latency, share, most=times[-1]) == pytest.approx(truth, rel=0.06)


def test_percentiles_of_few_requests_never_exceed_the_longest():
    latency = [0] * (len(BOUNDS_MS) + 1)
    assert percentile(latency, 0.5, most=0.0) is None
    latency[-1] = 1
    assert percentile(latency, 0.99, most=70_000.0) == pytest.approx(70_000, rel=0.01)
    latency = [0, 0, 3] + [0] * (len(BOUNDS_MS) - 2)
    assert percentile(latency, 0.99, most=0.32) <= 0.32
