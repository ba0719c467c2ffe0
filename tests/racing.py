"""Many at once, and really so: each has read what is free before the first may write."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection

from config.statements import connections_give_back
from tests.conftest import owner_connection

_WAITING = """
SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()"""
_DOING = """
SELECT state, wait_event, left(query, 80), count(*) FROM pg_stat_activity
WHERE datname = current_database() GROUP BY 1, 2, 3"""
_PATIENCE_S = 60


def race(number: int, act: Callable[[int], Any], *, table: str) -> list[Any]:
    """What so many threads answer that are let go at one moment.

    `table`, which each writes to, takes no row until all of them wait: for it, or for a lock of ours. Without
    such locks every one of them has judged by then, on what it saw before anybody wrote.
    """

    def one(turn: int) -> Any:
        try:
            return act(turn)
        finally:
            connection.close()

    with _connections(number), owner_connection() as gate, owner_connection() as watch:
        gate.autocommit = False
        gate.execute(f'LOCK TABLE "{table}" IN SHARE MODE')
        with ThreadPoolExecutor(number) as pool:
            answers = [pool.submit(one, turn) for turn in range(number)]
            try:
                deadline = time.monotonic() + _PATIENCE_S
                while watch.execute(_WAITING).fetchone()[0] < number:
                    assert time.monotonic() < deadline, watch.execute(_DOING).fetchall()
                    assert not any(answer.done() for answer in answers), "one was answered before the race"
                    threading.Event().wait(0.05)
            finally:
                gate.rollback()
            return [answer.result() for answer in answers]


@contextmanager
def _connections(number: int) -> Iterator[None]:
    """A pool as large as the race, closed after it: those of two test processes would fill the server."""
    hang_up()
    pool: Any = connection.pool
    pool.resize(pool.min_size, number + 12)
    pool.timeout = _PATIENCE_S
    try:
        yield
    finally:
        hang_up()


def hang_up() -> None:
    """Close this process's own connections."""
    connection.close()
    connections_give_back()
    connection.close_pool()


@contextmanager
def without_constraint(table: str, name: str) -> Iterator[None]:
    """The table without one of its constraints; what breaks it is emptied before it comes back."""
    with owner_connection() as owner:
        (definition,) = owner.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name]
        ).fetchone()
        owner.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')
        try:
            yield
        finally:
            owner.execute(f'TRUNCATE "{table}" CASCADE')
            owner.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}')


@contextmanager
def with_function(name: str, change: Callable[[str], str]) -> Iterator[None]:
    """The database with one of its functions written otherwise."""
    with owner_connection() as owner:
        (source,) = owner.execute("SELECT pg_get_functiondef(%s::regproc)", [name]).fetchone()
        changed = change(source)
        assert changed != source
        owner.execute(changed)
        try:
            yield
        finally:
            owner.execute(source)
