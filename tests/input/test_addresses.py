"""Design 3, input: odd query parameters, ids and headers, whichever endpoint they are sent to."""

import pytest

from tests.input.routes import ACTIONS, ANY_ID, READS, WITH_PARAMETERS, filled, named, operation, refused

VALUES = ("\x00", "a\x00b", "9" * 400, "-1", "", "null", "é" * 300, "'; --")
# what could pass for a value of some kind
PLAUSIBLE = ("9" * 400, "-1", "null")
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


@pytest.mark.parametrize(("verb", "route"), named(READS))
def test_absurd_query_parameters_are_refused_or_ignored_by_every_read(call, verb, route):
    parameters = operation(verb, route).get("parameters", ())
    names = {given["name"] for given in parameters if given["in"] == "query"}
    named_organization = {"organizationId": call.organization_id}
    queries: list[dict[str, str]] = [dict.fromkeys(MORE_VALUES, value) for value in VALUES]
    for name in sorted(names | {"organizationId"}):
        queries += [{name: value} for value in (*PLAUSIBLE, *MORE_VALUES.get(name, ()))]
    for query in queries:
        answer = call(verb, filled(route), query=named_organization | query)
        if answer.status_code != 200:
            refused(answer, query)


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
