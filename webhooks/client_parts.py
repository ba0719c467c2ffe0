"""A client's subscriptions, as its API client shows them (contract D)."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from credentials.client_parts import WEBHOOK_SUBSCRIPTIONS, client_part
from webhooks.models import Subscription


@client_part(WEBHOOK_SUBSCRIPTIONS)
def subscriptions_of(client_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Each client's subscriptions, the newest first; never a secret."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    rows = Subscription.objects.filter(client_id__in=client_ids).order_by("-created_at", "-id")
    for row in rows:
        found.setdefault(row.client_id, []).append(
            {
                "id": row.id,
                "url": row.url,
                "events": row.event_types,
                "status": row.status,
                "createdAt": row.created_at,
                "updatedAt": row.updated_at,
            }
        )
    return found
