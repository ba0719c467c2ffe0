"""Event types: what the hub can announce. Each app declares its own in `events.py`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from credentials.scopes import Scope
from webhooks.matching import patterns_matching


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


def event_is_readable(name: str, scopes: Iterable[str]) -> bool:
    """Whether whoever holds these scopes may hear of an event; types that nobody declared ask for none."""
    kind = EVENT_TYPES.get(name)
    return kind is None or kind.scope in scopes


def events_covered(patterns: Iterable[str]) -> list[EventType]:
    """The event types that these patterns cover."""
    given = set(patterns)
    return [kind for name, kind in EVENT_TYPES.items() if not patterns_matching(name).isdisjoint(given)]
