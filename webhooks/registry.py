"""Event types: what the hub can announce. Each app declares its own in `events.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from credentials.scopes import Scope


@dataclass(frozen=True, slots=True)
class EventType:
    """`payload` is the serializer class whose output becomes the event's `data`.

    A client may subscribe only when it holds `scope`.
    """

    name: str
    summary: str
    scope: Scope
    payload: Callable[..., Any]


EVENT_TYPES: dict[str, EventType] = {}


def event_type(name: str, *, summary: str, scope: Scope, payload: Callable[..., Any]) -> EventType:
    """Declare an event type once. Raises ValueError when the name is taken."""
    if name in EVENT_TYPES:
        raise ValueError(f"The event type {name} is declared twice.")
    EVENT_TYPES[name] = declared = EventType(name, summary, scope, payload)
    return declared
