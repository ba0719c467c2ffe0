"""Reads of one tenant in one round trip: its context and a prepared statement in one message.

PostgreSQL runs a message of several statements as one transaction (its manual, Multiple Statements in a
Simple Query), so what SET LOCAL sets ends with the message, as it does with `tenancy.tenant()`.
"""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from psycopg import errors, generators, postgres, pq
from psycopg.adapt import AdaptersMap, Loader, Transformer
from psycopg.types.string import TextLoader

Value = str | int | None

_UTC = "+00"
_WITH_MICROSECONDS = len("2026-01-01 00:00:00.000000+00")


class _WireTimeLoader(Loader):
    """A timestamptz as the wire writes it, which is what `datetime.isoformat()` gives, with a Z."""

    def load(self, data: Any) -> str:
        text = bytes(data).decode()
        if text[10:11] != " " or text[-3:] != _UTC:
            raise ValueError(f"{text!r} is not a UTC time of the common era.")
        if len(text) == _WITH_MICROSECONDS:
            return f"{text[:10]}T{text[11:26]}Z"
        # PostgreSQL drops a fraction's zeros at its end
        clock = text[11:-3]
        return f"{text[:10]}T{clock.ljust(15, '0') if '.' in clock else clock}Z"


class _JsonLoader(Loader):
    """A document as PostgreSQL wrote it, which goes into the answer as it stands."""

    def load(self, data: Any) -> orjson.Fragment:
        return orjson.Fragment(bytes(data))


class _Wire:
    """What psycopg's transformer asks for: the loaders, and the connection they belong to."""

    adapters = AdaptersMap(postgres.adapters)

    def __init__(self, driver: Any) -> None:
        self.connection = driver


_Wire.adapters.register_loader("uuid", TextLoader)
_Wire.adapters.register_loader("date", TextLoader)
_Wire.adapters.register_loader("timestamptz", _WireTimeLoader)
_Wire.adapters.register_loader("jsonb", _JsonLoader)


# Connections of the pool's that statements keep, the one used last in front: its server process has plans
# and pages at hand, where the pool would take turns among all of them. No more than there are threads.
_warm: list[Any] = []


class TenantStatement:
    """A SELECT with parameters $1, $2, … of the given PostgreSQL types, prepared once a connection.

    Row-level security holds it to the tenant; it names the tenant too, so that PostgreSQL takes its index.
    `generic` says that one plan is right for all values, so that none is made anew.
    """

    def __init__(self, sql: str, *, types: Sequence[str], generic: bool = False) -> None:
        digest = hashlib.sha256(f"{sql}\n{types}".encode()).hexdigest()[:24]
        self.sql = sql
        self._name = f"hub_{digest}"
        given = f"({', '.join(types)})" if types else ""
        self._prepare = f"PREPARE {self._name}{given} AS {sql};".encode()
        plan = "SET LOCAL plan_cache_mode=force_generic_plan;" if generic else ""
        self._execute = f"{plan}EXECUTE {self._name}".encode()

    def rows(
        self, organization_id: UUID | str, environment: str, values: Sequence[Value]
    ) -> list[tuple[Any, ...]]:
        """The rows that this tenant sees; UUIDs, dates and times as the wire's text, documents as its JSON.

        One round trip and one transaction; it may not be called inside another one. Raises
        django.db.DataError when a value does not fit its type, OperationalError without a database.
        """
        if connection.in_atomic_block:
            raise RuntimeError("A tenant statement is a transaction of its own.")
        pool: Any = connection.pool  # type: ignore[attr-defined]
        with connection.wrap_database_errors:
            try:
                driver = _warm.pop()
            except IndexError:
                driver = pool.getconn()
            try:
                rows = self._read(driver, organization_id, environment, values)
            except BaseException:
                pool.putconn(driver)  # which looks whether it still works
                raise
            _warm.append(driver)
            return rows

    def _read(
        self, driver: Any, organization_id: UUID | str, environment: str, values: Sequence[Value]
    ) -> list[tuple[Any, ...]]:
        prepared: set[str] = driver.__dict__.setdefault("hub_prepared", set())
        message = self._message(driver, organization_id, environment, values)
        try:
            result = self._send(driver, message, prepare=self._name not in prepared)
        except errors.InvalidSqlStatementName:
            # a pooler between us and the server gave us another server connection
            result = self._send(driver, message, prepare=True)
        except errors.DuplicatePreparedStatement:
            result = self._send(driver, message, prepare=False)
        prepared.add(self._name)
        transformer = driver.__dict__.get("hub_transformer")
        if transformer is None:
            transformer = driver.__dict__["hub_transformer"] = Transformer(_Wire(driver))
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    def _message(
        self, driver: Any, organization_id: UUID | str, environment: str, values: Sequence[Value]
    ) -> bytes:
        escape = pq.Escaping(driver.pgconn).escape_literal
        given = [
            b"NULL" if value is None else b"%d" % value if isinstance(value, int) else escape(value.encode())
            for value in values
        ]
        return (
            b"SET LOCAL hub.organization_id=%b;SET LOCAL hub.environment=%b;SET LOCAL hub.operator='';%b(%b)"
        ) % (
            escape(str(organization_id).encode()),
            escape(environment.encode()),
            self._execute,
            b",".join(given),
        )

    def _send(self, driver: Any, message: bytes, *, prepare: bool) -> Any:
        driver.pgconn.send_query(self._prepare + message if prepare else message)
        results = driver.wait(generators.execute(driver.pgconn))
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise errors.error_from_result(result, encoding="utf-8")
        return results[-1]


def pattern_containing(text: str) -> str:
    """The LIKE pattern of texts that contain `text`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
