"""Design 3, input: odd values of each field of each write are never a fault of ours."""

import json
from typing import Any

import pytest

from tests.input.routes import EXAMPLES, WRITES, body_of, filled, named, refused

VALUES = (
    None, True, -1, 2**63, 1e308, "x" * 70_000, [], [[None] * 300], {"a": {"b": []}}, "http://[::1", "a@b@c",
    "2030-01-01T00:00:00+21:01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "\u202e\ufeff",
)  # fmt: skip
# what could pass for a value of its kind, and so comes past the serializer
DATES = ("2030-01-01T00:00:00+21:01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01")
ADDRESSES = ("http://[::1", "a@b@c", "x" * 70_000)
PLAUSIBLE: dict[type, tuple[Any, ...]] = {
    str: ("x" * 70_000, "\u202e\ufeff", ""),
    int: (-1, 2**63, 1e308, True),
    bool: (1,),
    list: ([], [[None] * 300]),
    dict: ({}, {"a": {"b": []}}),
}
# writes that a made-up body is enough for; the others miss a row or a password, and refuse all the same
ADMITTED = (
    "/api/partner/v1/leads",
    "/api/partner/v1/companies/create",
    "/partner/credentials",
    "/api/v1/api-clients",
)


def plausible(value: Any) -> tuple[Any, ...]:
    """Odd values of the same kind."""
    for formats, odd in ((("date-time", "date", "time"), DATES), (("uri", "email"), ADDRESSES)):
        if value in [EXAMPLES[name] for name in formats]:
            return (None, *odd)
    return (None, *PLAUSIBLE.get(type(value), ()))


@pytest.mark.parametrize(("verb", "route"), named(WRITES))
def test_odd_field_values_are_never_a_fault_of_ours(call, verb, route):
    fine = body_of(verb, route, call.organization_id)
    plain = call(verb, filled(route), json.dumps(fine).encode())
    assert plain.status_code < 300 or route not in ADMITTED, plain.content
    tenant = {name: fine[name] for name in ("organizationId",) if name in fine}
    odd = [dict.fromkeys(fine, value) | tenant for value in VALUES]
    odd += [fine | {name: value} for name in fine for value in plausible(fine[name])]
    for number, body in enumerate(odd):
        answer = call(verb, filled(route), json.dumps(body).encode(), **{"Idempotency-Key": str(number)})
        if answer.status_code >= 300:
            refused(answer, str(body)[:200])
