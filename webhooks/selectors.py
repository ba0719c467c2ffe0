"""Reads of webhooks: subscriptions with their counts, deliveries with their attempts, event types."""

from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.generics import GenericAPIView

from webhooks.models import Attempt, Delivery, Subscription
from webhooks.registry import EVENT_TYPES, EventType

# A delivery shows this many of its attempts, the newest.
ATTEMPTS_SHOWN = 100
_COMPONENTS = "#/components/schemas/"
_EXAMPLES: dict[str, Any] = {
    "date-time": "2026-01-31T09:30:00Z",
    "date": "2026-01-31",
    "email": "ada@partner.example",
    "uri": "https://partner.example/",
    "uuid": "019c2f6e-5a00-7bcd-8a51-0c1f6a2d9e10",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
}
# What fields of these names hold, where their schema says no more than that it is a text.
_EXAMPLES_BY_NAME = {
    "name": "Ada Lovelace",
    "email": "ada@partner.example",
    "phone": "050-123-4567",
    "phoneE164": "+972501234567",
    "currency": "EUR",
    "source": "web",
    "notes": "Call back on Monday.",
    "number": "2026-00042",
    "externalId": "crm-1042",
    "description": "One week",
    "title": "One week",
}


def subscriptions_counted(rows: Iterable[Subscription]) -> list[Subscription]:
    """The subscriptions, each with its number of `deliveries_count`."""
    found = list(rows)
    counted = (
        Delivery.objects.filter(subscription_id__in=[row.id for row in found])
        .order_by()
        .values_list("subscription_id")
        .annotate(Count("id"))
    )
    numbers: dict[UUID | None, int] = dict(counted)
    for row in found:
        row.deliveries_count = numbers.get(row.id, 0)  # type: ignore[attr-defined]
    return found


def deliveries_by_status(subscription: Subscription) -> dict[str, int]:
    """How many of a subscription's deliveries are in each status; all of them are named."""
    rows = Delivery.objects.filter(subscription=subscription).order_by()
    counted = dict(rows.values_list("status").annotate(Count("id")))
    return {str(status).lower(): counted.get(status, 0) for status in Delivery.Status}


def attempts_of(delivery: Delivery) -> QuerySet[Attempt]:
    """A delivery's attempts, the newest first."""
    return Attempt.objects.filter(delivery_id=delivery.id).order_by("-created_at", "-id")[:ATTEMPTS_SHOWN]


@cache
def event_types_described() -> list[dict[str, Any]]:
    """Every event type with the JSON Schema of its body and an example, by name."""
    return [_described(EVENT_TYPES[name]) for name in sorted(EVENT_TYPES)]


def _described(kind: EventType) -> dict[str, Any]:
    described = AutoSchema()
    described.registry = ComponentRegistry()
    described.view, described.method, described.path = GenericAPIView(request=None), "GET", "/"
    payload: Any = kind.payload
    data = described.resolve_serializer(payload, "response").ref
    parts = {component.name: component.schema for component in described.registry._components.values()}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["id", "type", "timestamp", "data"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "type": {"const": kind.name},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": _local(data),
        },
        "$defs": _local(parts),
    }
    return {
        "name": kind.name,
        "description": kind.summary,
        "scope": str(kind.scope),
        "schema": schema,
        "example": _example(schema, schema["$defs"], ""),
    }


def _local(part: Any) -> Any:
    """The schema with references into `$defs` instead of the OpenAPI document."""
    if isinstance(part, dict):
        return {
            name: value.replace(_COMPONENTS, "#/$defs/") if name == "$ref" else _local(value)
            for name, value in part.items()
        }
    return [_local(one) for one in part] if isinstance(part, list) else part


def _example(schema: Any, parts: dict[str, Any], name: str) -> Any:
    """A value that fits the schema of the field `name`."""
    if "$ref" in schema:
        return _example(parts[schema["$ref"].rpartition("/")[2]], parts, name)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for alternatives in ("allOf", "oneOf", "anyOf"):
        if schema.get(alternatives):
            return _example(schema[alternatives][0], parts, name)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {field: _example(part, parts, field) for field, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_example(schema["items"], parts, name)] if schema.get("items") else []
    plain = _EXAMPLES_BY_NAME.get(name, "text") if kind == "string" else _EXAMPLES.get(kind, "text")
    return _EXAMPLES.get(schema.get("format", ""), plain)
