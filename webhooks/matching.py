"""Which events a subscription wants: patterns of event types, and conditions on the event's data.

A filter is `{"field": "lead.source", "operator": "equals", "value": "web"}`; all of a list must hold.
`field` is a path into the data, by key or by position in a list. A field that is not there satisfies
`not_equals`, and `exists` with false, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_FILTERS = 20
MAX_VALUES = 100
_MAX_PATH = 200
_MAX_TEXT = 1000
_MISSING = object()


def patterns_matching(event_type: str) -> frozenset[str]:
    """Every pattern that covers this type: `lead.created` itself, `lead.*` and `*`."""
    parts = event_type.split(".")
    families = (".".join(parts[:count]) + ".*" for count in range(1, len(parts)))
    return frozenset((event_type, "*", *families))


def filters_match(filters: Sequence[Mapping[str, Any]], data: Any) -> bool:
    """Whether every condition holds; a list that `filters_validate` let through never raises."""
    return all(
        _OPERATORS[condition["operator"]](_at(data, condition["field"]), condition["value"])
        for condition in filters
    )


def filters_validate(value: Any) -> list[dict[str, Any]]:
    """The list as it is to be stored. Raises ValueError with a sentence that names the faulty one."""
    if not isinstance(value, list):
        raise ValueError("Filters are a list.")
    if len(value) > MAX_FILTERS:
        raise ValueError(f"At most {MAX_FILTERS} filters.")
    return [_validated(number, condition) for number, condition in enumerate(value, start=1)]


def _validated(number: int, condition: Any) -> dict[str, Any]:
    def refuse(why: str) -> ValueError:
        return ValueError(f"Filter {number}: {why}")

    if not isinstance(condition, dict):
        raise refuse("give an object with field, operator and value.")
    if unknown := sorted(str(name) for name in condition.keys() - {"field", "operator", "value"}):
        raise refuse(f"{unknown[0][:40]} is not one of field, operator, value.")
    field, operator = condition.get("field"), condition.get("operator")
    if not isinstance(field, str) or not all(field.split(".")) or len(field) > _MAX_PATH:
        raise refuse("field is a path like lead.source.")
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise refuse(f"operator is one of {', '.join(_OPERATORS)}.")
    if operator == "exists":
        wanted = condition.get("value", True)
        if not isinstance(wanted, bool):
            raise refuse("exists takes true or false.")
        return {"field": field, "operator": operator, "value": wanted}
    if "value" not in condition:
        raise refuse("value is missing.")
    value = condition["value"]
    if operator == "in":
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
            raise refuse(f"in takes a list of 1 to {MAX_VALUES} values.")
    elif operator in ("greater_than", "less_than") and not (_is_number(value) or isinstance(value, str)):
        raise refuse(f"{operator} takes a number or a text.")
    for one in value if operator == "in" else [value]:
        if not (one is None or isinstance(one, bool) or _is_number(one) or isinstance(one, str)):
            raise refuse("a value is a text, a number, true, false or null.")
        if isinstance(one, str) and len(one) > _MAX_TEXT:
            raise refuse(f"a text has at most {_MAX_TEXT} characters.")
    return {"field": field, "operator": operator, "value": value}


def _at(data: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(data, dict):
            data = data.get(name, _MISSING)
        elif isinstance(data, list) and name.isascii() and name.isdecimal() and int(name[:9]) < len(data):
            data = data[int(name[:9])]
        else:
            return _MISSING
    return data


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(found: Any, value: Any) -> bool:
    # JSON's true is no 1
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)


def _comparable(found: Any, value: Any) -> bool:
    return (_is_number(found) and _is_number(value)) or (isinstance(found, str) and isinstance(value, str))


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    if isinstance(found, list):
        return any(_equal(one, value) for one in found)
    return isinstance(found, dict) and isinstance(value, str) and value in found


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": _equal,
    "not_equals": lambda found, value: not _equal(found, value),
    "in": lambda found, value: any(_equal(found, one) for one in value),
    "exists": lambda found, value: (found is not _MISSING) == value,
    "greater_than": lambda found, value: _comparable(found, value) and found > value,
    "less_than": lambda found, value: _comparable(found, value) and found < value,
    "contains": _contains,
}
