"""Design 3, input: what is no strict JSON, no JSON, or too much of it, whichever endpoint it is sent to."""

import json
from uuid import UUID

import pytest

from tests.conftest import owner_connection
from tests.input.routes import (
    ANY_ID,
    READS,
    WITH_PARAMETERS,
    WRITES,
    body_of,
    filled,
    named,
    operation,
    refused,
)

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
KEPT_OF_WRITES = (
    "credentials_idempotencyrecord",
    "credentials_personidempotencyrecord",
    "webhooks_event",
)


def test_there_are_endpoints_to_ask():
    assert len(WRITES) >= 6
    assert len(READS) >= 6
    assert len(WITH_PARAMETERS) >= 4


@pytest.mark.parametrize(("verb", "route"), named(WRITES))
def test_a_body_that_is_not_strict_json_is_refused_by_every_write(call, verb, route):
    fine = json.dumps(body_of(verb, route, call.organization_id) or {"y": 1}).encode()
    loose = {name: fine[:-1] + b", " + member + b"}" for name, member in MEMBERS.items()}
    bodies = loose | BODIES
    if not operation(verb, route).get("requestBody", {}).get("required"):
        del bodies["nothing"]
    for name, raw in bodies.items():
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


def test_the_ids_used_here_are_nobodys():
    assert UUID(ANY_ID).version == 7
