"""Strict JSON in (design 3, input): whatever PostgreSQL or a partner's parser could choke on is a 400."""

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 32
MAX_NUMBER_DIGITS = 300


class StrictJSONParser(BaseParser):
    """Parse RFC 8259 JSON in UTF-8, and nothing looser.

    Refused with 400: NaN and Infinity, duplicate keys, NUL, lone surrogates, numbers of more than
    300 digits or beyond a double, nesting deeper than 32, bytes that are not UTF-8.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return parse_strict(stream.read())


def parse_strict(raw: bytes) -> Any:
    """The value of one JSON text. Raises rest_framework.exceptions.ParseError (400)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError("The body is not UTF-8.") from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_number(int),
            parse_float=_number(float),
        )
    except RecursionError as error:
        raise ParseError(f"The JSON is nested deeper than {MAX_DEPTH}.") from error
    except json.JSONDecodeError as error:
        raise ParseError(
            f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    _check(value, depth=0)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ParseError("An object has the same key twice.")
    return result


def _refuse_constant(name: str) -> Any:
    raise ParseError(f"{name} is not JSON.")


def _number(convert: Any) -> Any:
    def parse(digits: str) -> Any:
        if len(digits) > MAX_NUMBER_DIGITS:
            raise ParseError("A number has too many digits.")
        value = convert(digits)
        if value in (float("inf"), float("-inf")):
            raise ParseError("A number is out of range.")
        return value

    return parse


def _check(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(f"The JSON is nested deeper than {MAX_DEPTH}.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth=depth + 1)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError("Text must not contain NUL.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ParseError("Text contains a lone surrogate.") from error
