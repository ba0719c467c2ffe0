"""Lists (contract 0.6): numbered pages, and a keyset cursor whose cost does not grow with depth."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime, time, tzinfo
from typing import Any

import orjson
from django.core.exceptions import ValidationError as InvalidValue
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework import serializers

from config.api.exceptions import ValidationFailed

MAX_LIMIT = 100


class ListQuery(serializers.Serializer):
    """The query parameters every list takes; a surface narrows `sortBy` and `status`."""

    page = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=20)
    cursor = serializers.CharField(required=False, max_length=400)
    sortBy = serializers.CharField(default="createdAt", max_length=40)
    sortOrder = serializers.ChoiceField(choices=("asc", "desc"), default="desc")
    status = serializers.CharField(required=False, max_length=40)
    dateFrom = serializers.CharField(required=False, max_length=40)
    dateTo = serializers.CharField(required=False, max_length=40)
    search = serializers.CharField(required=False, max_length=200)


# fields hold no request's state, so one instance validates for every thread
_LIST_QUERY = ListQuery()
_FIRST_PAGE = _LIST_QUERY.run_validation({})
_TENANT_ONLY = frozenset({"organizationId"})


def list_query(parameters: Mapping[str, str], query: ListQuery = _LIST_QUERY) -> dict[str, Any]:
    """The validated query parameters of a list, which may take more than every list does.

    Raises rest_framework's ValidationError (400).
    """
    if parameters.keys() <= _TENANT_ONLY:
        return _FIRST_PAGE
    return query.run_validation(parameters)


class PaginationOut(serializers.Serializer):
    """The `pagination` object of a list."""

    page = serializers.IntegerField()
    limit = serializers.IntegerField()
    total = serializers.IntegerField()
    totalPages = serializers.IntegerField()
    nextCursor = serializers.CharField(allow_null=True)


def list_envelope(name: str, row: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """The schema of a list of `row`: {"data": [...], "pagination": {...}}."""
    return type(name, (serializers.Serializer,), {"data": row(many=True), "pagination": PaginationOut()})


def moment(text: str, *, field: str, end_of_day: bool = False, zone: tzinfo = UTC) -> datetime:
    """A `dateFrom`/`dateTo` as UTC; a bare date means its first (or last) moment. Raises ValidationFailed.

    Dates, and times without an offset, are those of `zone`.
    """
    try:
        day = parse_date(text)
        if day is not None:
            # where clocks show a midnight twice, the day begins at the first and ends with the second
            edge = time.max.replace(fold=1) if end_of_day else time.min
            return datetime.combine(day, edge, tzinfo=zone).astimezone(UTC)
        at = parse_datetime(text)
        # beyond these offsets PostgreSQL refuses the value
        if at is not None:
            at = at if at.tzinfo else at.replace(tzinfo=zone)
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValidationFailed.of({field: ["Use an ISO 8601 date or time."]})


def filter_dates(rows: QuerySet, query: dict[str, Any], *, column: str = "created_at") -> QuerySet:
    """Apply `dateFrom` and `dateTo`, both inclusive."""
    if "dateFrom" in query:
        rows = rows.filter(**{f"{column}__gte": moment(query["dateFrom"], field="dateFrom")})
    if "dateTo" in query:
        to = moment(query["dateTo"], field="dateTo", end_of_day=True)
        rows = rows.filter(**{f"{column}__lte": to})
    return rows


def paginate(
    rows: QuerySet, query: dict[str, Any], *, sortable: dict[str, str]
) -> tuple[list[Any], dict[str, Any]]:
    """One page of `rows` and its `pagination`; `sortable` maps wire names to non-null columns.

    Sorts by the chosen column, then id. A `cursor` (from `nextCursor`) continues behind the row it names
    and leaves `page` out of account. Raises ValidationFailed for an unknown `sortBy` or a bad cursor.
    """
    if query["sortBy"] not in sortable:
        raise ValidationFailed(sortBy=[f"Choose one of: {', '.join(sortable)}."])
    column, limit, page = sortable[query["sortBy"]], query["limit"], query["page"]
    descending = query["sortOrder"] == "desc"
    sign = "-" if descending else ""
    total = rows.count()
    ordered = rows.order_by(f"{sign}{column}", f"{sign}id")
    if "cursor" in query:
        value, after_id = cursor_read(query["cursor"], column, descending)
        than = "lt" if descending else "gt"
        try:
            # the first condition alone bounds the index scan
            ordered = ordered.filter(**{f"{column}__{than}e": value}).filter(
                Q(**{f"{column}__{than}": value}) | Q(**{f"id__{than}": after_id})
            )
        except (ValueError, TypeError, InvalidValue) as error:
            raise ValidationFailed(cursor=["The cursor is not valid."]) from error
        found = list(ordered[: limit + 1])
    else:
        start = (page - 1) * limit
        found = list(ordered[start : start + limit + 1])
    more, found = len(found) > limit, found[:limit]
    return found, {
        "page": page,
        "limit": limit,
        "total": total,
        "totalPages": -(-total // limit),
        "nextCursor": _cursor_of(found[-1], column, descending) if more else None,
    }


def cursor_write(value: Any, identity: Any, column: str, descending: bool) -> str:
    """The opaque cursor that continues behind the row with this sort value and id."""
    return base64.urlsafe_b64encode(orjson.dumps([column, descending, value, identity])).decode().rstrip("=")


def _cursor_of(row: Any, column: str, descending: bool) -> str:
    if isinstance(row, dict):
        return cursor_write(row[column], row["id"], column, descending)
    return cursor_write(getattr(row, column), row.id, column, descending)


def cursor_read(text: str, column: str, descending: bool) -> tuple[Any, str]:
    """The sort value and id that a cursor names. Raises ValidationFailed for one that is not ours."""
    try:
        made_for, direction, value, identity = orjson.loads(
            base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        )
    except (binascii.Error, ValueError, TypeError) as error:
        raise ValidationFailed(cursor=["The cursor is not valid."]) from error
    if (made_for, direction) != (column, descending):
        raise ValidationFailed(cursor=["The cursor belongs to another sort order."])
    if not isinstance(value, str | int) or "\x00" in f"{value}{identity}":
        raise ValidationFailed(cursor=["The cursor is not valid."])
    return value, identity
