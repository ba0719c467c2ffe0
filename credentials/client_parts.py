"""What apps above this one show of an API client: each has a module `client_parts` and registers there."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

# The part's objects as the wire shows them, by client; called in the clients' tenant context.
Rows = Callable[[Collection[UUID]], dict[UUID, list[dict[str, Any]]]]
WEBHOOK_SUBSCRIPTIONS = "webhookSubscriptions"
_parts: dict[str, Rows] = {}


def client_part(name: str) -> Callable[[Rows], Rows]:
    """Register the reader of a part. Raises ValueError when the name is taken."""

    def register(rows: Rows) -> Rows:
        if name in _parts:
            raise ValueError(f"The client part {name} is registered twice.")
        _parts[name] = rows
        return rows

    return register


def client_part_rows(name: str, client_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """The rows of one part of these clients; clients without any may be missing."""
    return _parts[name](client_ids) if client_ids else {}
