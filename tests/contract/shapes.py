"""Shapes: an answer as it is written down in section_d.yaml, compared with what came, field by field.

A string in angle brackets says what kind of value stands there ("<uuid>", "<time or null>"); everything else,
names included, must be equal. Objects have exactly the fields that are named. "$name" is a value that an
earlier step saved.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID


def _time(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("Z") and bool(datetime.fromisoformat(value))


def _matching(pattern: str) -> Any:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


KINDS = {
    "uuid": lambda value: isinstance(value, str) and str(UUID(value)) == value,
    "time": _time,
    "local time": _matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"),
    "text": lambda value: isinstance(value, str) and bool(value),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _number,
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "key id": _matching(r"pk_(sandbox|production)_[0-9A-Za-z]{12}"),
    "key prefix": _matching(r"pk_(sandbox|production)_[0-9A-Za-z]{4}"),
    "key": _matching(r"pk_(sandbox|production)_[0-9A-Za-z]{12}\.sk_[0-9A-Za-z]{49}"),
    "webhook secret": _matching(r"whsec_[0-9A-Za-z+/]{43}="),
    "null": lambda value: value is None,
}


def differences(wanted: Any, got: Any, saved: Mapping[str, Any], where: str = "answer") -> list[str]:
    """Where what came is not what is written down; empty when it is."""
    wanted = filled(wanted, saved)
    if isinstance(wanted, str) and wanted.startswith("<") and wanted.endswith(">"):
        kinds = wanted[1:-1].split(" or ")
        fits = any(_fits(kind, got) for kind in kinds)
        return [] if fits else [f"{where}: {got!r} is no {wanted}"]
    if isinstance(wanted, dict):
        if not isinstance(got, dict):
            return [f"{where}: {got!r} is no object"]
        found = [f"{where}.{name}: is missing" for name in wanted.keys() - got.keys()]
        found += [f"{where}.{name}: is not in the contract" for name in got.keys() - wanted.keys()]
        for name in wanted.keys() & got.keys():
            found += differences(wanted[name], got[name], saved, f"{where}.{name}")
        return sorted(found)
    if isinstance(wanted, list):
        if not isinstance(got, list) or len(got) != len(wanted):
            return [f"{where}: {got!r} is no list of {len(wanted)}"]
        pairs = enumerate(zip(wanted, got, strict=True))
        return [
            text
            for place, (one, other) in pairs
            for text in differences(one, other, saved, f"{where}[{place}]")
        ]
    same = type(wanted) is type(got) and wanted == got
    return [] if same else [f"{where}: {got!r} is not {wanted!r}"]


def filled(given: Any, saved: Mapping[str, Any]) -> Any:
    """What is written down with its saved values."""
    if isinstance(given, dict):
        return {name: filled(value, saved) for name, value in given.items()}
    if isinstance(given, list):
        return [filled(value, saved) for value in given]
    if not isinstance(given, str) or "$" not in given:
        return given
    if given[1:] in saved and given.startswith("$"):
        return saved[given[1:]]
    return re.sub(r"\$(\w+)", lambda name: str(saved[name[1]]), given)


def _fits(kind: str, value: Any) -> bool:
    try:
        return KINDS[kind](value)
    except ValueError:
        return False
