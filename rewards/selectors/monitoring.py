"""How the system does: calls over their limits, from the roll-ups of the request log, and catalogue syncs."""

from typing import Any
from uuid import UUID

from catalog.models import AffiliateNetwork, CatalogSync
from credentials.selectors.usage import UsageScope
from credentials.selectors.usage_range import UsageRange

_CODES = ("RATE_LIMIT_EXCEEDED", "QUOTA_EXCEEDED")
_LISTED = 20


def limit_violations(extent: UsageRange, *, organization_id: UUID | None = None) -> dict[str, Any]:
    """Requests refused for a limit: `by_time` (`starts_at`, `rate_limit`, `quota`), and `by_key`, most first.

    Every organization's without one, which only the operator's context sees.
    """
    slots = {slot: dict.fromkeys(_CODES, 0) for slot in extent.slots}
    for starts_at, code, requests in _read(
        extent, "endpoint", f"date_trunc('{extent.group_by}', starts_at, 'UTC')", organization_id
    ):
        if starts_at in slots:
            slots[starts_at][code] += int(requests)
    keys: dict[str, dict[str, int]] = {}
    for key_id, code, requests in _read(extent, "key_endpoint", "key_id", organization_id):
        keys.setdefault(key_id, dict.fromkeys(_CODES, 0))[code] += int(requests)
    by_key = sorted(keys.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return {
        "by_time": [{"starts_at": at, **_named(counts)} for at, counts in slots.items()],
        "by_key": [{"key_id": key_id, **_named(counts)} for key_id, counts in by_key[:_LISTED]],
    }


def syncs_recent(*, organization_id: UUID | None = None) -> list[CatalogSync]:
    """The latest runs that read a network's catalogue, newest first."""
    rows = CatalogSync.objects.select_related("network", "organization").order_by("-created_at", "-id")
    return list(rows.filter(organization_id=organization_id)[:_LISTED] if organization_id else rows[:_LISTED])


def networks_synced(*, organization_id: UUID | None = None) -> list[AffiliateNetwork]:
    """The networks that are read on a schedule, whose catalogue is oldest first."""
    rows = AffiliateNetwork.objects.select_related("organization").filter(is_enabled=True)
    if organization_id:
        rows = rows.filter(organization_id=organization_id)
    return list(rows.order_by("last_synced_at", "name")[:_LISTED])


def _named(counts: dict[str, int]) -> dict[str, int]:
    return {"rate_limit": counts[_CODES[0]], "quota": counts[_CODES[1]]}


def _read(extent: UsageRange, grain: str, group: str, organization_id: UUID | None) -> list[tuple[Any, ...]]:
    codes = ", ".join(f"'{code}'" for code in _CODES)
    return UsageScope(organization_id).read(
        "usage_errors",
        grain,
        "starts_at, key_id, error_code, requests",
        extent,
        f"SELECT {group}, error_code, sum(requests) FROM {{rows}} WHERE error_code IN ({codes})"  # noqa: S608 (ours)
        " GROUP BY 1, 2",
    )
