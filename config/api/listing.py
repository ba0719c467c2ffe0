"""The hot form of a list (contract 0.6): page and total in one round trip, at a cost that does not grow."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from django.db import DataError, connection, models
from rest_framework import serializers

from config.api.exceptions import ValidationFailed
from config.api.pagination import MAX_LIMIT, ListQuery, cursor_read, cursor_write, moment
from config.statements import TenantStatement, Value, pattern_containing


class Filter(NamedTuple):
    """A query parameter that narrows a list: SQL with `{}` for its value, of a PostgreSQL type.

    A timestamptz is given as a date or a time; as a bare date whose last moment is meant where it `ends`.
    """

    condition: str
    type: str = "text"
    ends: bool = False


_EVERYWHERE = {
    "status": Filter("status = {}"),
    "dateFrom": Filter("created_at >= {}", "timestamptz"),
    "dateTo": Filter("created_at <= {}", "timestamptz", ends=True),
}


class _Shape(NamedTuple):
    """What makes two lists the same SQL statement."""

    sort: str
    descending: bool
    filters: tuple[str, ...]
    start: Literal["first", "cursor", "offset"]


@dataclass(frozen=True, slots=True)
class _Plan:
    page: TenantStatement
    total: TenantStatement


class Listing:
    """Pages of `model` (a tenant table with an environment) in the wire form of the serializer `wire`.

    `sortable` maps wire names to columns of `wire`; `states` are the values `status` may take; `search`
    looks into the columns `searched`. `query` validates the parameters; `filters` are those of its fields
    that narrow the list, beside `status` and dates. The total comes from `hub_row_count`
    (config/row_counts.py) unless something else than the status narrows it. Fields of `wire` are columns,
    read as they stand.
    """

    def __init__(
        self,
        model: type[models.Model],
        wire: type[serializers.Serializer],
        *,
        sortable: Mapping[str, str],
        states: type[models.TextChoices],
        searched: tuple[str, ...] = (),
        query: type[ListQuery] = ListQuery,
        filters: Mapping[str, Filter] = MappingProxyType({}),
    ) -> None:
        self.query = query()
        self._filters = {**_EVERYWHERE, **filters}
        self._model, self._states, self._searched, self._sortable = model, states, searched, sortable
        fields = wire().fields
        self._names = tuple(fields)
        self._columns = tuple(str(field.source or name) for name, field in fields.items())
        self._plans: dict[_Shape, _Plan] = {}

    def page(self, organization_id: str, environment: str, query: dict[str, Any]) -> dict[str, Any]:
        """`{"data": [...], "pagination": {...}}` for a validated ListQuery.

        Raises ValidationFailed (400) for an unknown `sortBy` or `status`, a bad date and a bad cursor.
        """
        if query["sortBy"] not in self._sortable:
            raise ValidationFailed(sortBy=[f"Choose one of: {', '.join(self._sortable)}."])
        sort, limit, page = self._sortable[query["sortBy"]], query["limit"], query["page"]
        descending, cursor = query["sortOrder"] == "desc", query.get("cursor")
        filters = self._given(query)
        shared: list[Value] = [organization_id, environment, *filters.values()]
        start: Literal["first", "cursor", "offset"]
        begin: list[Value]
        if cursor is not None:
            start, begin = "cursor", [*map(str, cursor_read(cursor, sort, descending))]
        else:
            start, begin = ("first", []) if page == 1 else ("offset", [(page - 1) * limit])
        plan = self._plan(_Shape(sort, descending, tuple(filters), start))
        try:
            values = [*shared, limit + 1, *begin]
            rows = plan.page.rows(organization_id, environment, values)
            total = rows[0][-1] if rows else plan.total.rows(organization_id, environment, shared)[0][0]
        except DataError as error:
            if cursor is None:
                raise
            raise ValidationFailed(cursor=["The cursor is not valid."]) from error
        last = dict(zip(self._columns, rows[limit - 1], strict=False)) if len(rows) > limit else None
        return {
            "data": [*map(dict, map(zip, repeat(self._names), rows[:limit]))],
            "pagination": {
                "page": page,
                "limit": limit,
                "total": total,
                "totalPages": -(-total // limit),
                "nextCursor": cursor_write(last[sort], last["id"], sort, descending) if last else None,
            },
        }

    def _given(self, query: dict[str, Any]) -> dict[str, str]:
        given: dict[str, str] = {}
        for name, narrow in self._filters.items():
            if name not in query:
                continue
            if name == "status" and query[name] not in self._states:
                raise ValidationFailed(status=[f"Choose one of: {', '.join(self._states.values)}."])
            if narrow.type == "timestamptz":
                given[name] = moment(query[name], field=name, end_of_day=narrow.ends).isoformat()
            else:
                given[name] = str(query[name])
        if "search" in query and self._searched:
            given["search"] = pattern_containing(query["search"])
        return given

    def _plan(self, shape: _Shape) -> _Plan:
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plans[shape] = self._planned(shape)
        return plan

    def _planned(self, shape: _Shape) -> _Plan:
        table, types = self._model._meta.db_table, ["uuid", "text"]
        where = ["organization_id = $1", "environment = $2"]
        for name in shape.filters:
            types.append(self._filters[name].type if name in self._filters else "text")
            where.append(self._condition(name, f"${len(types)}"))
        narrow = " AND ".join(where)
        if set(shape.filters) <= {"status"}:
            state = " AND state = $3" if shape.filters else ""
            total = (
                "SELECT coalesce(sum(row_count), 0)::bigint FROM hub_row_count"  # noqa: S608 (our own names)
                f" WHERE organization_id = $1 AND environment = $2 AND counted_table = '{table}'{state}"
            )
        else:
            total = f"SELECT count(*) FROM {table} WHERE {narrow}"  # noqa: S608
        given = len(types)
        direction, beyond = ("DESC", "<") if shape.descending else ("ASC", ">")
        behind, skipped, more = "", "", list[str]()
        if shape.start == "cursor":
            behind = f" AND ({shape.sort}, id) {beyond} (${given + 2}, ${given + 3})"
            more = [self._type(shape.sort), "uuid"]
        elif shape.start == "offset":
            skipped, more = f" OFFSET ${given + 2}", ["bigint"]
        # the planner knows no parameter: the inner limit tells it that few rows are wanted
        page = (
            f"SELECT *, ({total}) FROM (SELECT {', '.join(self._columns)} FROM {table}"  # noqa: S608
            f" WHERE {narrow}{behind} ORDER BY {shape.sort} {direction}, id {direction}"
            f" LIMIT {MAX_LIMIT + 1}{skipped}) AS page LIMIT ${given + 1}"
        )
        # the same index serves every first page and every cursor; a deep page or a search may want another
        generic = shape.start != "offset" and set(shape.filters) <= {"status"}
        return _Plan(
            page=TenantStatement(page, types=[*types, "int", *more], generic=generic),
            total=TenantStatement(total, types=types, generic=generic),
        )

    def _condition(self, name: str, parameter: str) -> str:
        if name == "search":
            return f"({' OR '.join(f'{column} ILIKE {parameter}' for column in self._searched)})"
        return self._filters[name].condition.format(parameter)

    def _type(self, column: str) -> str:
        return self._model._meta.get_field(column).db_type(connection) or "text"
