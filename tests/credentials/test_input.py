"""Design 3, input: whatever is sent to whichever endpoint gets the contract's refusal, never a 500.

Every routed API action is taken from the URLs, so an endpoint that is added is asked too.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from credentials.limits import Limits
from credentials.services.tokens import token_issue
from tests.conftest import owner_connection
from tests.factories import make_key, make_organization, make_super_admin

ANY_ID = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")

# members beside those of a body that is fine
MEMBERS = {
    "NaN": b'"x": NaN',
    "minus infinity": b'"x": -Infinity',
    "a key twice": b'"x": "a", "x": "b"',
    "a key twice inside": b'"x": {"a": 1, "a": 1}',
    "NUL": b'"x": "a\\u0000b"',
    "NUL in a key": b'"x\\u0000y": "a"',
    "a lone surrogate": b'"x": "\\ud800"',
    "a lone surrogate in a key": b'"\\udfff": 1',
    "5,000 digits": b'"x": ' + b"9" * 5000,
    "beyond a double": b'"x": 1e999',
    "5,000 arrays": b'"x": ' + b"[" * 5000 + b"]" * 5000,
    "40 objects": b'"x": ' + b'{"a":' * 40 + b"1" + b"}" * 40,
    "not UTF-8": b'"x": "\xff\xfe"',
}
# bodies that are no object, or no JSON
BODIES = {
    "100,000 arrays, open": b"[" * 100_000,
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "nothing": b"",
    "an array": b"[]",
    "a string": b'"text"',
    "a number": b"1",
    "null": b"null",
    "half an object": b'{"name": ',
    "two objects": b"{}{}",
}
VALUES = ("\x00", "a\x00b", "9" * 400, "-1", "", "null", "é" * 300, "'; --")
# beside those, what a parameter of this name could stumble over
MORE_VALUES = {
    "page": ("0", "1000001"),
    "limit": ("0", "101", "1e9"),
    "offset": ("99999999999999999999", "9223372036854775807"),
    "cursor": ("e30", "W10", "WyJjcmVhdGVkX2F0Iix0cnVlLCJcdTAwMDAiLCJhIl0", "====", "A"),
    "sortBy": ("password", "organization__name"),
    "dateFrom": ("2026-01-01T00:00:00+21:01", "0001-01-01T00:00:00+23:59", "2026-13-45", "9999-12-31"),
    "dateTo": ("2026-01-01T00:00:00+21:01", "9999-12-31T23:59:59-23:59", "9999-12-31", "0001-01-01"),
    "from": ("2026-01-01T00:00:00+21:01", "0001-01-01", "9999-12-31"),
    "to": ("2026-01-01T00:00:00+21:01", "0001-01-01", "9999-12-31"),
    "min_commission": ("NaN", "Infinity", "1e999"),
    "organizationId": (ANY_ID,),
}
PATH_VALUES = (
    "1", "-1", "not-a-uuid", "%00", "a%00b", "%FF", "%ED%A0%80", "..%2F..", "9" * 400, ANY_ID.upper(),
    ANY_ID.replace("-", ""), "%F0%9F%92%A3", "%27%20OR%201=1", "x" * 3000,
)  # fmt: skip


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


KEPT_OF_WRITES = (
    "credentials_idempotencyrecord",
    "credentials_personidempotencyrecord",
    "webhooks_event",
)
MEDIA_TYPES = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x")
# under /api/v1 these are for keys alone
PIPELINE = tuple(f"/api/v1/{noun}" for noun in ("leads", "assignments", "quotes", "proposals", "policies"))
# more than all the calls of one test
ROOMY = Limits(per_minute=100_000)


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


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callers:
    # people are counted by the minute like anybody: hundreds of calls are this test's business
    monkeypatch.setattr("credentials.authentication.ANONYMOUS", ROOMY)
    return Callers()


@pytest.fixture
def valid(call: Callers) -> Callable[[str, str], dict[str, Any]]:
    """A body made up from an endpoint's schema; {} for one that takes none."""

    def build(verb: str, route: str) -> dict[str, Any]:
        body = document()["paths"][_PARAMETER.sub(r"{\2}", route)][verb].get("requestBody")
        if body is None:
            return {}
        made = example(body["content"]["application/json"]["schema"], document()["components"]["schemas"])
        made |= {name: NAMED_EXAMPLES[name] for name in made if name in NAMED_EXAMPLES}
        return made | ({"organizationId": call.organization_id} if "organizationId" in made else {})

    return build


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


# writes that a made-up body is enough for; the others miss a row or a password, and refuse all the same
ADMITTED = (
    "/api/partner/v1/leads",
    "/api/partner/v1/companies/create",
    "/partner/credentials",
    "/api/v1/api-clients",
)
NAMED_EXAMPLES = {
    "phone": "+972541234567",
    "ipAllowlist": ["192.0.2.1"],
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


def test_there_are_endpoints_to_ask():
    assert len(WRITES) >= 6
    assert len(READS) >= 6
    assert len(WITH_PARAMETERS) >= 4


@pytest.mark.parametrize(("verb", "route"), named(WRITES))
def test_a_body_that_is_not_strict_json_is_refused_by_every_write(call, valid, verb, route):
    fine = json.dumps(valid(verb, route) or {"y": 1}).encode()
    loose = {name: fine[:-1] + b", " + member + b"}" for name, member in MEMBERS.items()}
    for name, raw in (loose | BODIES).items():
        refused(call(verb, filled(route), raw), name, among={400, 403, 404})
    with owner_connection() as owner:
        for table in KEPT_OF_WRITES:
            assert owner.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


@pytest.mark.parametrize(("verb", "route"), named(WRITES))
def test_other_media_types_and_oversized_bodies_are_refused_by_every_write(call, verb, route):
    path = filled(route)
    for content_type in (
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
    ):
        answer = call(verb, path, b"name=a", content_type=content_type)
        refused(answer, content_type, among={400, 404, 415})
    refused(call(verb, path, b"{}", **{"Content-Length": "84000001"}), "84 MB", among={413})
    refused(call(verb, path, b"{}", Accept="text/html"), "Accept", among={404, 406})


@pytest.mark.parametrize(("verb", "route"), named(READS))
def test_absurd_query_parameters_are_refused_or_ignored_by_every_read(call, verb, route):
    operation = document()["paths"][_PARAMETER.sub(r"{\2}", route)][verb]
    names = {given["name"] for given in operation.get("parameters", ()) if given["in"] == "query"}
    named_organization = {"organizationId": call.organization_id}
    queries: list[dict[str, str]] = [dict.fromkeys(MORE_VALUES, value) for value in VALUES]
    for name in sorted(names | {"organizationId"}):
        queries += [{name: value} for value in (*VALUES, *MORE_VALUES.get(name, ()))]
    for query in queries:
        answer = call(verb, filled(route), query=named_organization | query)
        if answer.status_code != 200:
            refused(answer, query)


FIELD_VALUES = (
    None, True, -1, 2**63, 1e308, "x" * 70_000, [], [[None] * 300], {"a": {"b": []}}, "http://[::1", "a@b@c",
    "2030-01-01T00:00:00+21:01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "\u202e\ufeff",
)  # fmt: skip


@pytest.mark.parametrize(("verb", "route"), named(WRITES))
def test_odd_field_values_are_never_a_fault_of_ours(call, valid, verb, route):
    fine = valid(verb, route)
    plain = call(verb, filled(route), json.dumps(fine).encode())
    assert plain.status_code < 300 or route not in ADMITTED, plain.content
    for name in fine:
        for number, value in enumerate(FIELD_VALUES):
            raw = json.dumps(fine | {name: value}).encode()
            answer = call(verb, filled(route), raw, **{"Idempotency-Key": f"{name} {number}"})
            if answer.status_code >= 300:
                refused(answer, (name, str(value)[:60]))


@pytest.mark.parametrize(("verb", "route"), named(WITH_PARAMETERS))
def test_odd_ids_in_paths_are_404(call, verb, route):
    for value in PATH_VALUES:
        answer = call(verb, filled(route, value), b"{}" if verb != "get" else b"")
        refused(answer, value, among={400, 404, 405})


@pytest.mark.parametrize(("verb", "route"), named(ACTIONS))
def test_odd_headers_break_nothing(call, verb, route):
    odd = {
        "X-Request-Id": "\x7f" * 300,
        "X-Forwarded-For": "999.1.1.1, ::ffff:1.2.3.4",
        "X-Idempotency-Key": "\xe9" * 20,
        "x-partner-signature": "\xff" * 10,
        "Accept": "*/*;q=x, ;;",
        "Cookie": "sessionid=\x01\x02; csrftoken=;",
        "Content-Length": "-5",
    }
    for name, value in odd.items():
        answer = call(verb, filled(route), b"", **{name: value})
        if answer.status_code >= 300:
            refused(answer, name)


def test_the_ids_used_here_are_nobodys():
    assert UUID(ANY_ID).version == 7
