"""Model instances as prepared INSERTs, for what is written many times a second (config/statements.py)."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, models
from django.db.models.base import ModelState
from django.utils import timezone

from config.statements import Call, TenantStatement, Value

_TEXT_OF: dict[type, Callable[[Any], Value]] = {
    # as PostgreSQL reads them, and quicker made than with hyphens
    UUID: lambda value: value.hex,
    bool: lambda value: "true" if value else "false",
    datetime: datetime.isoformat,
    date: date.isoformat,
    Decimal: str,
}


class RowInsert:
    """The INSERT of a model's rows, few at once, with the columns that the model has."""

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model
        # by how many rows they write
        self._statements: dict[int, TenantStatement] = {}

    def row(self, **given: Any) -> dict[str, Any]:
        """Columns for `call` with the model's defaults, for what nobody needs as an instance."""
        made = self._constants.copy()
        for name, default in self._defaults:
            made[name] = default()
        made.update(given)
        return made

    def instance(self, **given: Any) -> Any:
        """An instance as the model's constructor makes one of columns, which asks each field; no signals."""
        made = self._model.__new__(self._model)
        made._state = ModelState()
        made.__dict__.update(self.row(**given))
        return made

    def call(self, *rows: models.Model | dict[str, Any]) -> Call:
        """The call that writes these, as `save(force_insert=True)` would each; it answers their ids."""
        values: list[Value] = []
        for row in rows:
            held = row if isinstance(row, dict) else row.__dict__
            for name in self._stamped:
                held[name] = timezone.now()
            for name, is_document in self._columns:
                value = held[name]
                if is_document:
                    value = orjson.dumps(value).decode()
                elif value is not None and (text_of := _TEXT_OF.get(type(value))):
                    value = text_of(value)
                values.append(value)
        return Call(self._statement_of(len(rows)), values)

    def _statement_of(self, rows: int) -> TenantStatement:
        statement = self._statements.get(rows)
        if statement is None:
            statement = self._statements[rows] = self._made(rows)
        return statement

    def _made(self, rows: int) -> TenantStatement:
        columns = ", ".join(field.column for field in self._fields)
        width = len(self._fields)
        places = ", ".join(
            f"({', '.join(f'${row * width + number}' for number in range(1, width + 1))})"
            for row in range(rows)
        )
        # names of our own models
        sql = f"INSERT INTO {self._model._meta.db_table} ({columns}) VALUES {places} RETURNING id"  # noqa: S608
        types = [field.db_type(connection) for field in self._fields] * rows
        return TenantStatement(sql, types=types, generic=True)

    @cached_property
    def _fields(self) -> list[Any]:
        return [field for field in self._model._meta.local_concrete_fields if not field.generated]

    @cached_property
    def _constants(self) -> dict[str, Any]:
        made = {name for name, _ in self._defaults}
        return {field.attname: field.get_default() for field in self._fields if field.attname not in made}

    @cached_property
    def _defaults(self) -> list[tuple[str, Callable[[], Any]]]:
        with_one = [field for field in self._fields if field.has_default()]
        return [(field.attname, field.default) for field in with_one if callable(field.default)]

    @cached_property
    def _columns(self) -> list[tuple[str, bool]]:
        return [(field.attname, isinstance(field, models.JSONField)) for field in self._fields]

    @cached_property
    def _stamped(self) -> list[str]:
        return [field.attname for field in self._fields if getattr(field, "auto_now", False)]
