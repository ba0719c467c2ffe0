"""Usage figures, read from the roll-ups (credentials/rollups.py), never from the request log's rows."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from credentials.models import ApiKey
from credentials.rollups import latency_sums, percentile
from credentials.selectors.usage_range import UsageRange

_LISTED = 100
_TOTALS = ("requests", "refused", "failed", "total_ms", "max_ms")
_SUMMED = "sum(requests), sum(refused), sum(failed), sum(total_ms), max(max_ms)"


@dataclass(frozen=True)
class UsageScope:
    """Whose usage: everybody's unless narrowed."""

    organization_id: UUID | str | None = None
    client_id: UUID | str | None = None
    key_id: str | None = None

    @property
    def is_narrow(self) -> bool:
        return self.client_id is not None or self.key_id is not None

    def read(
        self, table: str, grain: str, columns: str, extent: UsageRange, select: str, *given: Any
    ) -> list[tuple[Any, ...]]:
        """`select` (with what follows FROM as {rows}) over the rows of `grain` in all parts of `extent`.

        `given` are the values of its own placeholders, which stand before {rows}.
        """
        arms, values = [], list(given)
        narrowed = {name: value for name, value in vars(self).items() if value is not None}
        for part in extent.parts():
            conditions = {
                "grain = %s": grain,
                "starts_at >= %s": part.starts_at,
                "starts_at < %s": part.ends_at,
            }
            conditions |= {f"{name} = %s": value for name, value in narrowed.items()}
            if part.only is not None:
                conditions["starts_at = ANY(%s)"] = part.only
            if part.without is not None:
                conditions["starts_at <> ALL(%s)"] = part.without
            arms.append(f"SELECT {columns} FROM {table}_{part.period} WHERE {' AND '.join(conditions)}")  # noqa: S608 (ours)
            values += conditions.values()
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
    scope = UsageScope(organization_id, client_id, key_id)
    return [slot for slot, _, _ in _timeline(extent, scope)]


def usage_report(
    extent: UsageRange,
    *,
    organization_id: UUID | str | None = None,
    client_id: UUID | str | None = None,
    key_id: str | None = None,
) -> dict[str, Any]:
    """Everything about the requests of `extent`: totals, by time, key, endpoint and status, and the errors.

    `totals`, `by_time`, `by_key`, `erring_keys` and `by_endpoint` have the counts and milliseconds of
    usage_timeline; `by_class` counts the classes of statuses ("2xx" is all below 400); `errors` are by
    endpoint, status and code, `by_status` by status. Lists hold the greatest 100.
    """
    scope = UsageScope(organization_id, client_id, key_id)
    timeline = list(_timeline(extent, scope))
    totals = _totals(timeline)
    classes = {"2xx": totals["succeeded"], "4xx": totals["refused"], "5xx": totals["failed"]}
    return {
        "totals": totals,
        "by_class": [{"status": name, "count": count} for name, count in classes.items() if count],
        "by_time": [slot for slot, _, _ in timeline],
        **_by_key(extent, scope),
        "by_endpoint": _by_endpoint(extent, scope),
        **_errors(extent, scope),
    }


def _timeline(extent: UsageRange, scope: UsageScope) -> list[tuple[dict[str, Any], float, list[int]]]:
    """Each slot with its longest response time and its histogram."""
    rows = scope.read(
        "usage",
        "key",
        "starts_at, requests, refused, failed, total_ms, max_ms, latency",
        extent,
        f"SELECT width_bucket(starts_at, %s::timestamptz[]), {_SUMMED}, {latency_sums()}"  # noqa: S608 (ours)
        " FROM {rows} GROUP BY 1",
        extent.slots,
    )
    found = {row[0]: row[1:] for row in rows}
    timeline = []
    for number, starts_at in enumerate(extent.slots, start=1):
        *totals, latency = found.get(number, (0, 0, 0, 0.0, 0.0, []))
        figures = _figures(dict(zip(_TOTALS, totals, strict=True)), latency)
        slot = {"starts_at": starts_at, "local_time": extent.local(starts_at), **figures}
        timeline.append((slot, totals[-1], latency))
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


def _by_key(extent: UsageRange, scope: UsageScope) -> dict[str, list[dict[str, Any]]]:
    rows = _summed_by(("key_id",), "key", extent, scope)
    erring = sorted((key for key in rows if key["errors"]), key=lambda key: -key["errors"])
    return {"by_key": rows[:_LISTED], "erring_keys": erring[:_LISTED]}


def _by_endpoint(extent: UsageRange, scope: UsageScope) -> list[dict[str, Any]]:
    grain = "key_endpoint" if scope.is_narrow else "endpoint"
    return _summed_by(("endpoint", "method"), grain, extent, scope)[:_LISTED]


def _summed_by(
    columns: tuple[str, ...], grain: str, extent: UsageRange, scope: UsageScope
) -> list[dict[str, Any]]:
    """The counts and milliseconds of each value of `columns`, the most requests first."""
    names = ", ".join(columns)
    rows = scope.read(
        "usage",
        grain,
        f"{names}, requests, refused, failed, total_ms, max_ms, latency",
        extent,
        f"SELECT {names}, {_SUMMED}, {latency_sums()} FROM {{rows}} GROUP BY {names}"  # noqa: S608 (ours)
        f" ORDER BY sum(requests) DESC, {names}",
    )
    width = len(columns)
    return [
        {
            **dict(zip(columns, row[:width], strict=True)),
            **_figures(dict(zip(_TOTALS, row[width:-1], strict=True)), row[-1] or []),
        }
        for row in rows
    ]


def _errors(extent: UsageRange, scope: UsageScope) -> dict[str, list[dict[str, Any]]]:
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
