"""Reads of API clients (contract D): lists, and the figures of a client's dashboard."""

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q
from django.utils import timezone

from credentials.limits import TIERS, limits_peek
from credentials.models import ApiKey
from credentials.selectors.usage import usage_report
from credentials.selectors.usage_range import UsageRange
from credentials.snapshots import key_limits
from partners.models import ApiClient
from partners.querysets import TenantQuerySet

DASHBOARD_DAYS = 30
# A client shows this many of its keys, the newest; its list of keys has them all.
KEYS_SHOWN = 100


def clients_with_keys() -> TenantQuerySet:
    """The clients of the open context, each with its `newest_keys`."""
    keys = ApiKey.objects.order_by("-created_at", "-id")[:KEYS_SHOWN]
    rows: Any = ApiClient.objects.prefetch_related(Prefetch("api_keys", queryset=keys, to_attr="newest_keys"))
    return rows


def clients_matching(search: str) -> Q:
    """Clients whose name, description or contact address contains `search`, whatever the case."""
    return Q(name__icontains=search) | Q(description__icontains=search) | Q(contact_email__icontains=search)


def client_usage(client: ApiClient, extent: UsageRange) -> dict[str, Any]:
    """`usage_report` of one client, with its range as `extent`."""
    report = usage_report(extent, organization_id=client.organization_id, client_id=client.id)
    return {"extent": extent, **report}


def rate_limit_status(client: ApiClient) -> dict[str, Any]:
    """How near its limit the client is: its `tier`, and `remaining`, `limit`, `reset_at` of one of its keys.

    It is the live key with the least left; without one, what the next key would have. What the limit store
    does not say is None.
    """
    tier, now = client.rate_limit_tier, timezone.now()
    nearest: tuple[int, int, datetime] | None = None
    limit = TIERS[tier].per_minute
    keys = ApiKey.objects.filter(client=client).in_state("active").order_by("-last_used_at", "-id")
    for key in keys[:KEYS_SHOWN]:
        limits = key_limits(key)
        left = limits_peek(subject=key.key_id, limits=limits)
        if left is None:
            return {"tier": tier, "remaining": None, "limit": limits.per_minute, "reset_at": None}
        if nearest is None or left[0] < nearest[0]:
            nearest = (left[0], limits.per_minute, left[1])
    remaining, limit, reset_at = nearest or (limit, limit, now)
    return {"tier": tier, "remaining": remaining, "limit": limit, "reset_at": reset_at}
