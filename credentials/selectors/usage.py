"""Usage figures, read from the roll-ups (credentials/rollups.py), never from the request log's rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.api.exceptions import ValidationFailed
from config.api.pagination import moment
from credentials.models import ApiKey
from credentials.rollups import latency_sums, percentile

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_LONGEST_BY_HOUR = timedelta(days=32)
_LISTED = 100
_TOTALS = ("requests", "refused", "failed", "total_ms", "max_ms")
_SUMMED = "sum(requests), sum(refused), sum(failed), sum(total_ms), max(max_ms)"


@dataclass(frozen=True)
class UsageRange:
    """From `starts_at` up to `ends_at` (UTC, whole hours), counted by `group_by`: "hour" or "day"."""

    starts_at: datetime
    ends_at: datetime
    group_by: str

    @classmethod
    def of(
        cls,
        *,
        date_from: datetime | None = None,
        date_to: datetime | None = None,
        group_by: str = "",
        now: datetime | None = None,
    ) -> Self:
        """The range that a caller asked for, widened to whole hours; by default the last 24.

        Without `group_by` up to two days count by the hour, and longer ones by the day. Ends at what is
        kept and at today. Raises ValidationFailed (400).
        """
        now = (now or timezone.now()).astimezone(UTC)
        today = _midnight(now)
        oldest, newest = today - settings.USAGE_DAILY_RETENTION_DAYS * DAY, today + DAY
        if date_from and date_to and date_from > date_to:
            raise ValidationFailed(dateFrom=["Must not be after dateTo."])
        end = _hour(now) + HOUR if date_to is None else _hour_end(min(max(date_to, oldest), newest))
        start = end - DAY if date_from is None else _hour(min(max(date_from, oldest), newest))
        # a moment is the hour that it lies in
        end = max(end, start + HOUR)
        group_by = group_by or ("hour" if end - start <= 2 * DAY else "day")
        hours_kept_from = today - settings.USAGE_HOURLY_RETENTION_DAYS * DAY
        if group_by == "hour" and end - start > _LONGEST_BY_HOUR:
            raise ValidationFailed(groupBy=["A range of more than 32 days is counted by the day."])
        if group_by == "hour" and start < hours_kept_from:
            kept = settings.USAGE_HOURLY_RETENTION_DAYS
            raise ValidationFailed(groupBy=[f"Hours are kept for {kept} days; count by the day."])
        if start < hours_kept_from:
            start = _midnight(start)
        if end < hours_kept_from:
            end = _midnight_end(end)
        return cls(start, end, group_by)

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Self:
        """The range of a query's `dateFrom`, `dateTo` and `groupBy`. Raises ValidationFailed (400)."""
        return cls.of(
            date_from=moment(query["dateFrom"], field="dateFrom") if "dateFrom" in query else None,
            date_to=moment(query["dateTo"], field="dateTo", end_of_day=True) if "dateTo" in query else None,
            group_by=query.get("groupBy", ""),
        )

    @classmethod
    def days(cls, count: int) -> Self:
        """Today and the days before it, `count` in all, by the day."""
        today = _midnight(timezone.now().astimezone(UTC))
        return cls(today - (count - 1) * DAY, today + DAY, "day")

    def slots(self) -> list[datetime]:
        """The beginning of each hour or day."""
        step = HOUR if self.group_by == "hour" else DAY
        first = self.starts_at if self.group_by == "hour" else _midnight(self.starts_at)
        return [first + index * step for index in range(-((first - self.ends_at) // step))]

    def parts(self) -> list[tuple[str, datetime, datetime]]:
        """The roll-ups to read: whole days from the daily one, what is left from the hourly one."""
        first, last = _midnight_end(self.starts_at), _midnight(self.ends_at)
        if self.ends_at > timezone.now():
            last = _midnight_end(self.ends_at)  # what is left of today holds nothing yet
        if self.group_by == "hour" or first >= last:
            return [("hourly", self.starts_at, self.ends_at)]
        parts = [("hourly", self.starts_at, first), ("daily", first, last), ("hourly", last, self.ends_at)]
        return [part for part in parts if part[1] < part[2]]


@dataclass(frozen=True)
class _Scope:
    """Whose usage: everybody's unless narrowed."""

    organization_id: UUID | str | None = None
    client_id: UUID | str | None = None
    key_id: str | None = None

    @property
    def is_narrow(self) -> bool:
        return self.client_id is not None or self.key_id is not None

    def read(
        self, table: str, grain: str, columns: str, extent: UsageRange, select: str
    ) -> list[tuple[Any, ...]]:
        """`select` (with what follows FROM as {rows}) over the rows of `grain` in all parts of `extent`."""
        arms, values = [], []
        narrowed = {name: value for name, value in vars(self).items() if value is not None}
        conditions = "".join(f" AND {name} = %s" for name in narrowed)
        for period, start, end in extent.parts():
            arms.append(
                f"SELECT {columns} FROM {table}_{period}"  # noqa: S608 (ours)
                f" WHERE grain = %s AND starts_at >= %s AND starts_at < %s{conditions}"
            )
            values += [grain, start, end, *narrowed.values()]
        with connection.cursor() as cursor:
            cursor.execute(select.format(rows=f"({' UNION ALL '.join(arms)}) usage"), values)
            return cursor.fetchall()


def usage_today(key: ApiKey) -> dict[str, Any]:
    """A key's requests since midnight UTC: count, errors, milliseconds (mean and p95), its daily quota."""
    (slot,) = usage_timeline(UsageRange.days(1), organization_id=key.organization_id, key_id=key.key_id)
    return {
        "requests_today": slot["requests"],
        "errors_today": slot["errors"],
        "average_ms": slot["average_ms"],
        "p95_ms": slot["p95"],
        "quota": key.daily_quota,
    }


def usage_timeline(
    extent: UsageRange,
    *,
    organization_id: UUID | str | None = None,
    client_id: UUID | str | None = None,
    key_id: str | None = None,
) -> list[dict[str, Any]]:
    """Each hour or day of `extent`: counts and milliseconds, oldest first.

    Counts are requests, succeeded, refused (4xx), failed (5xx), errors (both); milliseconds are average_ms,
    p50, p95, p99. An hour or day without requests has 0 of them and None milliseconds. No organization means
    the whole hub, which only the operator's context sees.
    """
    scope = _Scope(organization_id, client_id, key_id)
    return [slot for slot, _, _ in _timeline(extent, scope)]


def usage_report(
    extent: UsageRange,
    *,
    organization_id: UUID | str | None = None,
    client_id: UUID | str | None = None,
    key_id: str | None = None,
) -> dict[str, Any]:
    """Everything about the requests of `extent`: totals, by time, by key, by endpoint, and the errors.

    `totals`, `by_time` and `by_endpoint` have the counts and milliseconds of usage_timeline, `by_key` and
    `erring_keys` the counts; `errors` are by endpoint, status and code, `by_status` by status. Lists hold the
    greatest 100.
    """
    scope = _Scope(organization_id, client_id, key_id)
    timeline = list(_timeline(extent, scope))
    return {
        "totals": _totals(timeline),
        "by_time": [slot for slot, _, _ in timeline],
        **_by_key(extent, scope),
        "by_endpoint": _by_endpoint(extent, scope),
        **_errors(extent, scope),
    }


def _timeline(extent: UsageRange, scope: _Scope) -> list[tuple[dict[str, Any], float, list[int]]]:
    """Each slot with its longest response time and its histogram."""
    rows = scope.read(
        "usage",
        "key",
        "starts_at, requests, refused, failed, total_ms, max_ms, latency",
        extent,
        f"SELECT date_trunc('{extent.group_by}', starts_at, 'UTC'), {_SUMMED}, {latency_sums()}"  # noqa: S608
        " FROM {rows} GROUP BY 1",
    )
    found = {row[0]: row[1:] for row in rows}
    timeline = []
    for starts_at in extent.slots():
        *totals, latency = found.get(starts_at, (0, 0, 0, 0.0, 0.0, []))
        figures = _figures(dict(zip(_TOTALS, totals, strict=True)), latency)
        timeline.append(({"starts_at": starts_at, **figures}, totals[-1], latency))
    return timeline


def _figures(totals: dict[str, Any], latency: list[int]) -> dict[str, Any]:
    requests = int(totals["requests"])
    most = totals["max_ms"]
    return {
        **_counts(requests, int(totals["refused"]), int(totals["failed"])),
        "average_ms": round(totals["total_ms"] / requests, 3) if requests else None,
        "p50": percentile(latency, 0.5, most=most),
        "p95": percentile(latency, 0.95, most=most),
        "p99": percentile(latency, 0.99, most=most),
    }


def _counts(requests: int, refused: int, failed: int) -> dict[str, int]:
    errors = refused + failed
    return {
        "requests": requests,
        "succeeded": requests - errors,
        "refused": refused,
        "failed": failed,
        "errors": errors,
    }


def _totals(timeline: list[tuple[dict[str, Any], float, list[int]]]) -> dict[str, Any]:
    summed = {name: sum(slot[name] for slot, _, _ in timeline) for name in ("requests", "refused", "failed")}
    spent = sum((slot["average_ms"] or 0) * slot["requests"] for slot, _, _ in timeline)
    longest = max((most for _, most, _ in timeline), default=0.0)
    latency = [sum(counts) for counts in zip(*(counts for _, _, counts in timeline if counts), strict=True)]
    return _figures({**summed, "total_ms": spent, "max_ms": longest}, latency)


def _by_key(extent: UsageRange, scope: _Scope) -> dict[str, list[dict[str, Any]]]:
    rows = scope.read(
        "usage",
        "key",
        "key_id, requests, refused, failed",
        extent,
        "SELECT key_id, sum(requests), sum(refused), sum(failed) FROM {rows} GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    keys = [{"key_id": key_id, **_counts(*map(int, counts))} for key_id, *counts in rows]
    erring = sorted((key for key in keys if key["errors"]), key=lambda key: -key["errors"])
    return {"by_key": keys[:_LISTED], "erring_keys": erring[:_LISTED]}


def _by_endpoint(extent: UsageRange, scope: _Scope) -> list[dict[str, Any]]:
    # by key and endpoint at once no histogram is kept: then p50, p95 and p99 are None
    rows = scope.read(
        "usage",
        "key_endpoint" if scope.is_narrow else "endpoint",
        "endpoint, method, requests, refused, failed, total_ms, max_ms, latency",
        extent,
        f"SELECT endpoint, method, {_SUMMED}, {latency_sums()}"  # noqa: S608 (ours)
        f" FROM {{rows}} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT {_LISTED}",
    )
    return [
        {
            "endpoint": endpoint,
            "method": method,
            **_figures(dict(zip(_TOTALS, totals, strict=True)), latency or []),
        }
        for endpoint, method, *totals, latency in rows
    ]


def _errors(extent: UsageRange, scope: _Scope) -> dict[str, list[dict[str, Any]]]:
    rows = scope.read(
        "usage_errors",
        "key_endpoint" if scope.is_narrow else "endpoint",
        "endpoint, method, response_status, error_code, requests",
        extent,
        "SELECT endpoint, method, response_status, error_code, sum(requests) FROM {rows}"
        " GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4",
    )
    names = ("endpoint", "method", "status", "code", "requests")
    errors = [dict(zip(names, (*row[:4], int(row[4])), strict=True)) for row in rows]
    statuses: dict[int, int] = {}
    for error in errors:
        statuses[error["status"]] = statuses.get(error["status"], 0) + error["requests"]
    by_status = sorted(statuses.items(), key=lambda item: (-item[1], item[0]))
    return {
        "errors": errors[:_LISTED],
        "by_status": [{"status": status, "requests": requests} for status, requests in by_status],
    }


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _hour_end(at: datetime) -> datetime:
    return at if at == _hour(at) else _hour(at) + HOUR


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at, time.min, tzinfo=UTC)


def _midnight_end(at: datetime) -> datetime:
    return at if at == _midnight(at) else _midnight(at) + DAY
