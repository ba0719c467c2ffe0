"""Statements of one tenant in one round trip: its context and prepared statements in one pipeline.

PostgreSQL runs what a pipeline sends before its Sync as one transaction (its manual, Pipeline Mode), so what
the context sets ends there, as it does with `tenancy.tenant()`.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import errors, postgres, pq
from psycopg.adapt import AdaptersMap, Loader, Transformer
from psycopg.types.string import TextLoader

from config import libpq

Value = str | int | None

_UTC = "+00"
_WITH_MICROSECONDS = len("2026-01-01 00:00:00.000000+00")


class _WireTimeLoader(Loader):
    """A timestamptz as the wire writes it, which is what `datetime.isoformat()` gives, with a Z."""

    def load(self, data: Any) -> str:
        text = str(data, "ascii")
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
# and pages at hand, where the pool would take turns among all of them. A web process has fewer threads.
_warm: list[Any] = []
_MOST_WARM = 8


class TenantStatement:
    """A statement with parameters $1, $2, … of the given PostgreSQL types, prepared once a connection.

    Row-level security holds it to the tenant; it names the tenant too, so that PostgreSQL takes its index.
    `generic` says that one plan is right for all values, so that none is made anew. One that writes answers
    rows, too (RETURNING).
    """

    def __init__(self, sql: str, *, types: Sequence[str], generic: bool = False) -> None:
        digest = hashlib.sha256(f"{sql}\n{types}".encode()).hexdigest()[:24]
        self.sql = sql
        self.name = f"hub_{digest}"
        given = f"({', '.join(types)})" if types else ""
        self.prepare = f"PREPARE {self.name}{given} AS {sql}".encode()
        self.generic = generic

    def rows(
        self, organization_id: UUID | str, environment: str, values: Sequence[Value]
    ) -> list[tuple[Any, ...]]:
        """The rows that this tenant sees; UUIDs, dates and times as the wire's text, documents as its JSON.

        One round trip and one transaction; it may not be called inside another one. Raises
        django.db.DataError when a value does not fit its type, OperationalError without a database.
        """
        return tenant_calls(organization_id, environment, (Call(self, values),))[-1]


class Call(NamedTuple):
    """A statement with its values."""

    statement: TenantStatement
    values: Sequence[Value]


# A plan that is kept would still read a whole table when it is no longer small: those take indexes at once.
_CONTEXT = TenantStatement(
    "SELECT set_config('hub.organization_id', $1, true), set_config('hub.environment', $2, true),"
    " set_config('hub.operator', '', true), set_config('plan_cache_mode', $3, true),"
    " set_config('enable_seqscan', $4, true)",
    types=("text", "text", "text", "text"),
)


def tenant_calls(
    organization_id: UUID | str, environment: str, calls: Sequence[Call]
) -> list[list[tuple[Any, ...]]]:
    """The rows of several statements in one round trip: one transaction, so all of them take effect or none.

    As TenantStatement.rows; raises django.db.IntegrityError for what a constraint refuses, deferred ones too.
    """
    ours: Any = connections[DEFAULT_DB_ALIAS]  # `connection` looks it up for each attribute
    if ours.in_atomic_block:
        raise RuntimeError("A tenant's pipeline is a transaction of its own.")
    pool = ours.pool
    with ours.wrap_database_errors:
        if ours.connection is not None:
            # a thread that has one takes no second: all might wait for each other's
            return _answers(ours.connection, organization_id, environment, calls)
        try:
            driver = _warm.pop()
        except IndexError:
            pool.open()  # where this is the process's first question
            driver = pool.getconn()
        try:
            rows = _answers(driver, organization_id, environment, calls)
        except BaseException:
            pool.putconn(driver)  # which looks whether it still works
            raise
        if len(_warm) < _MOST_WARM:
            _warm.append(driver)
        else:
            pool.putconn(driver)
        return rows


def connections_give_back() -> None:
    """Give the connections that statements keep to the pool: where threads have come and gone."""
    while _warm:
        connection.pool.putconn(_warm.pop())  # type: ignore[attr-defined]


def _answers(
    driver: Any, organization_id: UUID | str, environment: str, calls: Sequence[Call]
) -> list[list[tuple[Any, ...]]]:
    prepared: set[str] = driver.__dict__.setdefault("hub_prepared", set())
    names = {statement.name: statement.prepare for statement, _ in calls}
    names[_CONTEXT.name] = _CONTEXT.prepare
    for is_last in (False, False, True):
        missing = [prepare for name, prepare in names.items() if name not in prepared]
        try:
            results = _exchange(driver, organization_id, environment, calls, missing)
            break
        except (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement):
            # a pooler between us and the server gave us another server connection; nothing has happened
            if is_last:
                raise
            prepared.clear()
            prepared.update(_names_prepared(driver))
    prepared.update(names)
    transformer = driver.__dict__.get("hub_transformer")
    if transformer is None:
        transformer = driver.__dict__["hub_transformer"] = Transformer(_Wire(driver))
    found = []
    for result in results:
        transformer.set_pgresult(result)
        found.append(transformer.load_rows(0, result.ntuples, tuple))
    return found


def _exchange(
    driver: Any,
    organization_id: UUID | str,
    environment: str,
    calls: Sequence[Call],
    missing: Sequence[bytes],
) -> list[Any]:
    """The calls' results; what is `missing` is prepared before.

    Values beside their statements need no parsing, and rows are sent as they come: EXECUTE as text would
    collect them first.
    """
    pgconn = driver.pgconn
    is_kept = len(calls) > 1 or calls[0].statement.generic
    plan = ("force_generic_plan", "off") if is_kept else ("auto", "on")
    context = Call(_CONTEXT, (str(organization_id), environment, *plan))
    pgconn.enter_pipeline_mode()
    try:
        for prepare in missing:
            pgconn.send_query_params(prepare, None)
        for statement, values in (context, *calls):
            pgconn.send_query_prepared(
                statement.name.encode(),
                [
                    None if value is None else b"%d" % value if isinstance(value, int) else value.encode()
                    for value in values
                ],
            )
        pgconn.pipeline_sync()
        results = libpq.results_read(driver)
    finally:
        pgconn.exit_pipeline_mode()
    return _checked(results)[-1 - len(calls) : -1]  # the last is the Sync's


def _checked(results: list[Any]) -> list[Any]:
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result, encoding="utf-8")
    return results


def _names_prepared(driver: Any) -> list[str]:
    (result,) = _checked([driver.pgconn.exec_(b"SELECT name FROM pg_prepared_statements")])
    return [result.get_value(row, 0).decode() for row in range(result.ntuples)]


def pattern_containing(text: str) -> str:
    """The LIKE pattern of texts that contain `text`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
