"""Clicks rolled up by hour and by day (UTC): what figures and charts are read from.

A batch of clicks and its roll-ups are one statement, fed by the rows that were really inserted, so a click
that is shipped twice counts once. A click is what neither a bot nor a prefetch made.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from config import tenancy

_GROUP = "organization_id, environment, client_id, campaign_id, link_id"
_MEASURES = ("clicks", "bots", "prefetches")
# Changes older than this no process needs (rewards/targets.py), nor salts: their days are over.
_CHANGES_KEPT, _SALTS_KEPT = timedelta(hours=1), timedelta(days=2)


def clicks_insert(cursor: Any, *, batch: str, columns: Sequence[str]) -> None:
    """Move the rows of the table `batch` into the clicks, and those not yet in them into the roll-ups.

    Part of the caller's transaction, which must be in the operator's context.
    """
    names = ", ".join(columns)
    cursor.execute(
        f"WITH shipped AS (INSERT INTO rewards_click ({names}) SELECT {names} FROM {batch}"  # noqa: S608 (ours)
        f" ON CONFLICT DO NOTHING RETURNING {_GROUP}, created_at, is_bot, is_prefetch),"
        f" hours AS MATERIALIZED (SELECT {_GROUP}, date_trunc('hour', created_at, 'UTC') AS starts_at,"
        " count(*) FILTER (WHERE NOT is_bot AND NOT is_prefetch) AS clicks,"
        " count(*) FILTER (WHERE is_bot) AS bots,"
        " count(*) FILTER (WHERE is_prefetch AND NOT is_bot) AS prefetches"
        f" FROM shipped GROUP BY {_GROUP}, 6),"
        f" days AS (SELECT {_GROUP}, date_trunc('day', starts_at, 'UTC') AS starts_at,"
        f" {', '.join(f'sum({name})::bigint AS {name}' for name in _MEASURES)}"
        f" FROM hours GROUP BY {_GROUP}, 6),"
        f" hourly AS ({_upsert('rewards_clicks_hourly', 'hours')}) {_upsert('rewards_clicks_daily', 'days')}"
    )


def clicks_clean_up(*, now: datetime) -> None:
    """Delete hours past their retention, old salts, and changes that every process has seen."""
    oldest = now - timedelta(days=settings.USAGE_HOURLY_RETENTION_DAYS)
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM rewards_clicks_hourly WHERE starts_at < %s", [oldest])
        cursor.execute("DELETE FROM rewards_click_salt WHERE day < %s", [(now - _SALTS_KEPT).date()])
        cursor.execute("DELETE FROM rewards_link_change WHERE at < %s", [now - _CHANGES_KEPT])


def _upsert(table: str, source: str) -> str:
    columns = f"{_GROUP}, starts_at, {', '.join(_MEASURES)}"
    # in the order of the key, or two shippers could wait for each other
    return (
        f"INSERT INTO {table} AS t ({columns}) SELECT {columns} FROM {source} ORDER BY link_id, starts_at"  # noqa: S608
        " ON CONFLICT (link_id, starts_at) DO UPDATE SET "
        + ", ".join(f"{name} = t.{name} + excluded.{name}" for name in _MEASURES)
    )
