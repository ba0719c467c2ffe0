"""The request log rolled up by quarter of an hour, hour and day: what usage and its charts are read from.

A batch of log rows and its roll-ups are one statement, fed by the rows that were really inserted, so the
roll-ups equal the log whatever is shipped twice. They outlive the log's rows. Times are those of UTC;
`latency` counts the requests of each class of BOUNDS_MS. docs/usage.md says what they hold.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from config import tenancy

# Three classes an octave from 0.25 ms to 33 s: a percentile is at most 26 % from the truth, and mostly 3 %.
BOUNDS_MS = tuple(round(0.25 * 2 ** (step / 3), 3) for step in range(52))
CLASSES = range(1, len(BOUNDS_MS) + 2)

QUARTER_HOURLY = ("usage_quarter_hourly", "usage_errors_quarter_hourly")
HOURLY = ("usage_hourly", "usage_errors_hourly")
DAILY = ("usage_daily", "usage_errors_daily")

_METHODS = "'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'"
_PERIOD = ("organization_id", "starts_at", "environment")
_KEY = ("client_id", "key_id")
_ENDPOINT = ("endpoint", "method")
_FAULT = ("response_status", "error_code")
_GROUP = ("organization_id", "grain", "starts_at", "environment", *_KEY, *_ENDPOINT)
_READ = (
    "created_at, organization_id, environment, client_id, key_id, endpoint, method, response_status,"
    " error_code, response_time_ms, request_bytes, response_bytes"
)
_SUMS = ("requests", "refused", "failed", "total_ms", "request_bytes", "response_bytes")


def requests_insert(cursor: Any, *, batch: str, columns: Sequence[str]) -> None:
    """Move the rows of the table `batch` into the request log, and those not yet in it into every roll-up.

    Part of the caller's transaction, which must be in the operator's context.
    """
    names = _names(columns)
    cursor.execute(
        _statement(
            f"INSERT INTO partner_api_requests ({names}) SELECT {names} FROM {batch}"  # noqa: S608 (ours)
            f" ON CONFLICT DO NOTHING RETURNING {_READ}"
        )
    )


def day_rebuild(day: date) -> int | None:
    """Roll one day (UTC) up anew from the log's rows, while others ship; answers how many there are.

    None, and nothing changed, where the roll-up holds more requests than the log: then the log was cleaned.
    """
    starts_at = datetime.combine(day, time.min, tzinfo=UTC)
    bounds = [starts_at, starts_at + timedelta(days=1)]
    with tenancy.operator(), connection.cursor() as cursor:
        # shippers wait: what they have inserted is then either seen here, or still to be rolled up by them.
        # The order is that of the statement's, or the two could wait for each other.
        tables = [table for pair in zip(QUARTER_HOURLY, HOURLY, DAILY, strict=True) for table in pair]
        cursor.execute(f"LOCK TABLE {_names(tables)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(
            "SELECT (SELECT count(*) FROM partner_api_requests WHERE created_at >= %s AND created_at < %s),"
            " (SELECT coalesce(sum(requests), 0) FROM usage_daily WHERE grain = 'key' AND starts_at = %s)",
            [*bounds, starts_at],
        )
        logged, rolled_up = cursor.fetchone()
        if rolled_up > logged:
            return None
        for table in tables:
            cursor.execute(f"DELETE FROM {table} WHERE starts_at >= %s AND starts_at < %s", bounds)  # noqa: S608
        cursor.execute(
            _statement(
                f"SELECT {_READ} FROM partner_api_requests WHERE created_at >= %s AND created_at < %s"  # noqa: S608
            ),
            bounds,
        )
    return logged


def rollups_clean_up(*, now: datetime) -> None:
    """Delete what is past its retention, up to a midnight."""
    today = datetime.combine(now.astimezone(UTC), time.min, tzinfo=UTC)
    kept = (
        (QUARTER_HOURLY, settings.USAGE_QUARTER_HOURLY_RETENTION_DAYS),
        (HOURLY, settings.USAGE_HOURLY_RETENTION_DAYS),
        (DAILY, settings.USAGE_DAILY_RETENTION_DAYS),
    )
    with tenancy.operator(), connection.cursor() as cursor:
        for tables, days in kept:
            for table in tables:
                cursor.execute(
                    f"DELETE FROM {table} WHERE grain IN ('key', 'endpoint', 'key_endpoint')"  # noqa: S608
                    " AND starts_at < %s",
                    [today - timedelta(days=days)],
                )


def _names(*groups: Sequence[str]) -> str:
    return ", ".join(name for group in groups for name in group)


def latency_sums(column: str = "latency") -> str:
    """SQL for a grouped query: the element-wise sum of histograms, null where none is kept."""
    sums = ", ".join(f"sum({column}[{n}])" for n in CLASSES)
    return f"CASE WHEN count({column}) > 0 THEN ARRAY[{sums}]::bigint[] END"


def percentile(latency: Sequence[int], share: float, *, most: float) -> float | None:
    """The response time in ms that `share` (0 to 1) of the requests did not exceed; None without requests.

    Interpolated within its class; `most` is the longest response time seen.
    """
    wanted = share * sum(latency)
    if not wanted:
        return None
    below = 0
    for place, count in enumerate(latency):
        if count and below + count >= wanted:
            low = BOUNDS_MS[place - 1] if place else 0.0
            high = min(BOUNDS_MS[place], most) if place < len(BOUNDS_MS) else most
            return round(low + max(0.0, high - low) * (wanted - below) / count, 3)
        below += count
    return round(most, 3)


def _grouped(source: str, measures: str, *sets: Sequence[str]) -> str:
    """A query that groups `source` by time, organization and environment, and by each of `sets`.

    Columns that a set leaves out are empty in its rows.
    """
    by_key = f"GROUPING({_names(_KEY)}) = 0"
    by_endpoint = f"GROUPING({_names(_ENDPOINT)}) = 0"
    return (
        f"SELECT organization_id, CASE WHEN {by_key} AND {by_endpoint} THEN 'key_endpoint'"  # noqa: S608 (ours)
        f" WHEN {by_key} THEN 'key' ELSE 'endpoint' END AS grain, starts_at, environment, client_id,"
        " coalesce(key_id, '') AS key_id, coalesce(endpoint, '') AS endpoint, coalesce(method, '') AS method,"
        f" {measures} FROM {source}"
        f" GROUP BY GROUPING SETS ({', '.join(f'({_names(_PERIOD, group)})' for group in sets)})"
    )


def _by(unit: str, source: str, columns: Sequence[str], measures: str) -> str:
    start = f"date_trunc('{unit}', starts_at, 'UTC')"
    selected = ", ".join(f"{start} AS starts_at" if name == "starts_at" else name for name in columns)
    grouped = ", ".join(start if name == "starts_at" else name for name in columns)
    return f"SELECT {selected}, {measures} FROM {source} GROUP BY {grouped}"  # noqa: S608 (ours)


def _upsert(table: str, key: Sequence[str], measures: Sequence[str], source: str) -> str:
    merged = {name: f"t.{name} + excluded.{name}" for name in measures}
    if "latency" in measures:
        elements = ", ".join(f"t.latency[{n}] + excluded.latency[{n}]" for n in CLASSES)
        merged["latency"] = f"CASE WHEN t.latency IS NOT NULL THEN ARRAY[{elements}] END"
        merged["max_ms"] = "greatest(t.max_ms, excluded.max_ms)"
    columns = _names(key, measures)
    # in the order of the key, or two shippers could wait for each other
    return (
        f"INSERT INTO {table} AS t ({columns}) SELECT {columns} FROM {source} ORDER BY {_names(key)}"  # noqa: S608 (ours)
        f" ON CONFLICT ({_names(key)}) DO UPDATE SET "
        + ", ".join(f"{name} = {value}" for name, value in merged.items())
    )


def _statement(source: str) -> str:
    """The statement that adds the log rows of `source`, a query or INSERT .. RETURNING, to every roll-up.

    Answers how many rows those were.
    """
    classes = ", ".join(f"count(*) FILTER (WHERE class = {n - 1})" for n in CLASSES)
    counted = (
        "count(*) AS requests, count(*) FILTER (WHERE response_status BETWEEN 400 AND 499) AS refused,"
        " count(*) FILTER (WHERE response_status >= 500) AS failed, sum(response_time_ms) AS total_ms,"
        " max(response_time_ms) AS max_ms, sum(request_bytes) AS request_bytes,"
        f" sum(response_bytes) AS response_bytes, ARRAY[{classes}]::int[] AS latency"
    )
    sums = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
    summed = f"{sums}, max(max_ms) AS max_ms, {latency_sums()}::int[] AS latency"
    measures = (*_SUMS, "max_ms", "latency")
    fault = (*_GROUP, *_FAULT)
    faults = _grouped(
        "measured WHERE response_status >= 400",
        f"{_names(_FAULT)}, count(*) AS requests",
        (*_ENDPOINT, *_FAULT),
        (*_KEY, *_ENDPOINT, *_FAULT),
    )
    return f"""
WITH source AS ({source}), measured AS MATERIALIZED (
  -- methods are the caller's text: unusual ones must not make rows without end
  SELECT organization_id, date_bin('15 minutes', created_at, 'epoch'::timestamptz) AS starts_at, environment,
    client_id, key_id, endpoint, CASE WHEN method IN ({_METHODS}) THEN method ELSE 'OTHER' END AS method,
    response_status, error_code, response_time_ms, request_bytes, response_bytes,
    width_bucket(response_time_ms, ARRAY[{", ".join(map(str, BOUNDS_MS))}]::float8[]) AS class
  FROM source
), quarters AS MATERIALIZED (
  {_grouped("measured", counted, _KEY, _ENDPOINT, (*_KEY, *_ENDPOINT))}
), hours AS MATERIALIZED ({_by("hour", "quarters", _GROUP, summed)}
), days AS ({_by("day", "hours", _GROUP, summed)}
), error_quarters AS MATERIALIZED (
  {faults}
), error_hours AS MATERIALIZED ({_by("hour", "error_quarters", fault, "sum(requests) AS requests")}
), error_days AS ({_by("day", "error_hours", fault, "sum(requests) AS requests")}
), quarter_hourly AS ({_upsert("usage_quarter_hourly", _GROUP, measures, "quarters")}
), hourly AS ({_upsert("usage_hourly", _GROUP, measures, "hours")}
), daily AS ({_upsert("usage_daily", _GROUP, measures, "days")}
), errors_quarter_hourly AS ({_upsert("usage_errors_quarter_hourly", fault, ("requests",), "error_quarters")}
), errors_hourly AS ({_upsert("usage_errors_hourly", fault, ("requests",), "error_hours")}
), errors_daily AS ({_upsert("usage_errors_daily", fault, ("requests",), "error_days")}
) SELECT count(*) FROM source"""  # noqa: S608 (ours)
