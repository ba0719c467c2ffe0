"""Bodies: one text for one value, which JavaScript reproduces byte for byte."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from webhooks.canonical import canonical_json

NODE = shutil.which("node")
# Reads one body a line (as a JSON string), answers each as JavaScript would write it again.
REWRITE = """
const lines = require('fs').readFileSync(0, 'utf8').trim().split('\\n');
for (const line of lines) console.log(JSON.stringify(JSON.stringify(JSON.parse(JSON.parse(line)))));
"""

NASTY = [
    {"10": 1, "9": 2, "b": 3, "01": 4, "-1": 5, "4294967294": 6, "4294967295": 7, "": 8, "!": 9},
    {"results": {"2": [{"1": {}, "0": []}], "a": None}},
    {"é": '\u2028\u2029\x7f\x00\x1f"\\/', "😀": "שלום", "\ufb33": 1, "__proto__": {"x": 1}},
    [
        0.1,
        1.0,
        -0.0,
        1e21,
        1e-7,
        123456789012345680000.0,
        5e-324,
        1.7976931348623157e308,
        2**53 - 1,
    ],
    {"overall_score": 7.5, "start": 12.340000000000002, "ok": True, "big": 12345678901234567890},
    "text",
    [],
    {},
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=("Cs",)), max_size=4) | st.integers(0, 2**33).map(str),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


def rewritten(bodies):
    lines = "\n".join(json.dumps(body) for body in bodies)
    done = subprocess.run([NODE, "-e", REWRITE], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.strip("\n").split("\n")]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_javascript_writes_the_same_bytes_again():
    bodies = [canonical_json(value) for value in NASTY]
    assert rewritten(bodies) == bodies


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@settings(max_examples=4, deadline=None)
@given(st.lists(json_values, min_size=20, max_size=40))
def test_javascript_writes_any_value_again(values):
    bodies = [canonical_json(value) for value in values]
    assert rewritten(bodies) == bodies


@settings(deadline=None, max_examples=50)
@given(json_values)
def test_the_text_means_the_value(value):
    def as_sent(value):
        if isinstance(value, dict):
            return {key: as_sent(item) for key, item in value.items()}
        if isinstance(value, list):
            return [as_sent(item) for item in value]
        if isinstance(value, int) and abs(value) >= 2**53:
            return str(value)
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    assert json.loads(canonical_json(value), parse_int=float) == as_sent(value)


def test_without_keys_like_indexes_it_is_rfc_8785():
    value = {"b": [1.5, {"z": 1, "é": 2, "A": 3}], "a": "\u20ac$\n", "😀": 1, "\ufb33": 2}
    assert canonical_json(value).encode() == rfc8785.dumps(value)


def test_times_and_ids_are_written_as_the_api_writes_them():
    at = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=timezone(timedelta(hours=2)))
    identity = UUID(int=1)
    assert canonical_json([at.astimezone(UTC), identity]) == (
        '["2026-01-02T01:04:05.000600Z","00000000-0000-0000-0000-000000000001"]'
    )


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {"a": {1, 2}}, {"a": b"bytes"}, {1: 2}, "\ud800"]
)
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(value)
