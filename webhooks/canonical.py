"""Bodies whose bytes survive `JSON.stringify(JSON.parse(body))` in JavaScript.

RFC 8785 canonical JSON, with one exception that JavaScript forces: a key that looks like an array
index ("0" to "4294967294") comes before all others, by number, because that is how its objects
enumerate.
"""

import math
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any
from uuid import UUID

import orjson
import rfc8785

# Beyond these JavaScript rounds; RFC 8785 appendix D has such numbers sent as strings.
_MAX_SAFE_INTEGER = 2**53 - 1
_MAX_INDEX = 2**32 - 2
_PLAIN = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER | orjson.OPT_UTC_Z
_PLAIN_TYPES = frozenset((str, int, bool, NoneType, datetime, UUID))


def canonical_json(value: Any) -> str:
    """The one text of a JSON value; datetimes become ISO 8601 UTC with Z, UUIDs text.

    Integers beyond ±(2**53 - 1) become strings, so that no digit is lost. Raises ValueError for
    NaN, infinities and what JSON cannot hold.
    """
    if _is_plain(value):
        try:
            return orjson.dumps(value, option=_PLAIN).decode()
        except orjson.JSONEncodeError:  # integers that are too long, text that is no Unicode
            pass
    try:
        return "".join(_parts(value))
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"This cannot be sent as JSON: {error}") from error


def _is_plain(value: Any) -> bool:
    """Whether the quick way writes the same: no fractions, and no keys whose order would be another."""
    kind = type(value)
    if kind is dict:
        return all(map(_is_plain_key, value)) and all(map(_is_plain, value.values()))
    if kind is list:
        return all(map(_is_plain, value))
    return kind in _PLAIN_TYPES


@lru_cache(maxsize=4096)
def _is_plain_key(key: Any) -> bool:
    return type(key) is str and key.isascii() and not key[:1].isdecimal()


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for position, key in enumerate(sorted(value, key=_key_order)):
            yield f"{',' if position else ''}{_scalar(key)}:"
            yield from _parts(value[key])
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for position, item in enumerate(value):
            if position:
                yield ","
            yield from _parts(item)
        yield "]"
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _MAX_SAFE_INTEGER:
        value = str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("NaN and infinities are not JSON.")
    if not isinstance(value, str | int | float | None):
        # datetimes and UUIDs; anything else is refused
        value = orjson.loads(_dumps(value))
    return rfc8785.dumps(value).decode()


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"{type(value).__name__} cannot be sent as JSON.") from error


def _key_order(key: str) -> tuple[int, int, bytes]:
    if not isinstance(key, str):
        raise ValueError("The keys of JSON objects are text.")
    if key.isascii() and key.isdecimal() and str(int(key[:11])) == key and int(key) <= _MAX_INDEX:
        return (0, int(key), b"")
    return (1, 0, key.encode("utf-16-be"))
