"""Every routed API action, who may call it, and a body that it takes.

Taken from the URLs and the OpenAPI document, so an endpoint that is added is asked too.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from credentials.services.tokens import token_issue
from tests.factories import make_key, make_organization, make_super_admin

ANY_ID = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


def actions() -> Iterator[tuple[str, str]]:
    """(verb, route) of routed API actions, the route's parameters still in it.

    One of each view and verb: what its other actions take goes the same way in.
    """
    seen: set[Any] = set()

    def walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
            elif isinstance(pattern, URLPattern):
                yield prefix + str(pattern.pattern), pattern.callback

    for route, callback in walk(get_resolver().url_patterns, "/"):
        for verb in getattr(callback, "actions", {}):
            if (known := (callback.cls, verb, "<" in route)) not in seen:
                seen.add(known)
                yield verb, route


# A visitor's page has a publishable key, and no body to send (tests/storefronts).
ACTIONS = sorted({(verb, route) for verb, route in actions() if not route.startswith("/v1/widgets/")})
WRITES = [(verb, route) for verb, route in ACTIONS if verb not in ("get", "head")]
READS = [(verb, route) for verb, route in ACTIONS if verb == "get"]
WITH_PARAMETERS = [(verb, route) for verb, route in ACTIONS if "<" in route]


# what keys and people call alike, a key asks for
PIPELINE = tuple(f"/api/v1/{noun}" for noun in ("leads", "assignments", "quotes", "proposals", "policies"))


def named(pairs: list[tuple[str, str]]) -> list[Any]:
    return [pytest.param(verb, route, id=f"{verb} {route}") for verb, route in pairs]


def filled(route: str, value: str = ANY_ID) -> str:
    return _PARAMETER.sub(value, route)


class Callers:
    """A partner's key with every scope, and a super-admin's token: who may call what."""

    def __init__(self) -> None:
        organization = make_organization()
        self.organization_id = str(organization.id)
        key = make_key(organization, requests_per_minute=100_000)
        token = token_issue(user=make_super_admin().user, label="input", valid_for=timedelta(minutes=10))
        self._by_key = {"x-partner-api-key": key.raw}
        self._by_token = {"Authorization": f"Bearer {token}"}

    def headers(self, route: str) -> dict[str, str]:
        person = route.startswith(("/partner/", "/admin/", "/api/v1/")) and not route.startswith(PIPELINE)
        return {"Idempotency-Key": "input", **(self._by_token if person else self._by_key)}

    def __call__(
        self,
        verb: str,
        path: str,
        body: bytes = b"",
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        client = Client(raise_request_exception=False)
        return client.generic(
            verb.upper(),
            path,
            body,
            content_type=content_type,
            headers=self.headers(path) | headers,
            query_params=query or {},
        )


def operation(verb: str, route: str) -> dict[str, Any]:
    """What the OpenAPI document says of it."""
    return document()["paths"][_PARAMETER.sub(r"{\2}", route)][verb]


def body_of(verb: str, route: str, organization_id: str) -> dict[str, Any]:
    """A body made up from an endpoint's schema; {} for one that takes none."""
    body = operation(verb, route).get("requestBody")
    if body is None:
        return {}
    made = example(body["content"]["application/json"]["schema"], document()["components"]["schemas"])
    made |= {name: NAMED_EXAMPLES[name] for name in made if name in NAMED_EXAMPLES}
    return made | ({"organizationId": organization_id} if "organizationId" in made else {})


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return SchemaGenerator().get_schema(request=None, public=True)


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value that the schema admits, so that one odd field is not hidden behind the others' faults."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for choice in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        return example(choice, schemas)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: example(inner, schemas) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], schemas)]
    if kind == "string":
        return EXAMPLES.get(schema.get("format", ""), "Ada")
    return {"integer": schema.get("minimum", 1), "number": 1, "boolean": False}.get(kind)


NAMED_EXAMPLES = {
    "phone": "+972541234567",
    "ipAllowlist": ["192.0.2.1"],
    "environment": "sandbox",
    "companyId": None,
    "agentId": None,
    "currency": "ILS",
    "redirectUris": ["https://a.example/x"],
    "website": "https://a.example",
    "logoUrl": "https://a.example/x.png",
    "webhookUrl": "https://a.example/x",
}
EXAMPLES = {
    "email": "ada@a.example",
    "uri": "https://a.example/x",
    "uuid": ANY_ID,
    "date-time": "2099-01-01T10:00:00Z",
    "date": "2099-01-01",
    "time": "10:00",
}


def refused(answer: Any, what: object, *, among: set[int] | None = None) -> None:
    """The answer is a refusal as the contract has it."""
    assert 400 <= answer.status_code < 500, f"{what!r}: {answer.status_code} {answer.content[:300]!r}"
    if among:
        assert answer.status_code in among, f"{what!r}: {answer.status_code} {answer.content[:300]!r}"
    body = json.loads(answer.content)
    assert {"error", "message", "details", "requestId"} <= set(body), what
    assert body["requestId"] == answer["X-Request-Id"]
    assert isinstance(body["details"]["retryable"], bool)
    assert answer["Content-Type"] == "application/json"
    assert answer["x-partner-api-version"] == "v1"
    assert answer["X-RateLimit-Limit"]
    assert answer["RateLimit-Policy"]
