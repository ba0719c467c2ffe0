"""Fixtures. The tests use the application role's login, as the product does: row-level security is on.

Everything commits for real; after a test every table is emptied.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client

from config.spool import _closed_file
from config.statements import connections_give_back
from credentials import limits, snapshots
from credentials import store as store_module
from credentials.admission_journal import Journal
from credentials.limits_fallback import Fallback
from credentials.services.keys import IssuedKey
from credentials.store import store
from credentials.usage import spool, spool_ship
from tests.factories import make_key, make_organization, make_super_admin
from tests.partner import Partner

# Folders whose tests take seconds each.
_LONG = ("faults", "browser", "analysis", "contract", "command_line")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first: the last one that a worker takes is what all the others wait for."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(tests).parts[0]
        return _LONG.index(folder) if folder in _LONG else len(_LONG)

    items.sort(key=place)


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """tests/stores.py has migrated already."""


@pytest.fixture(autouse=True)
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Open the database to every test, and leave it empty."""
    with django_db_blocker.unblock():
        yield
        connection.close()
        connections_give_back()
        _empty()


def owner_connection() -> psycopg.Connection:
    """A raw connection as the owner, for what the application role must not do."""
    owner = psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)
    owner.execute("SELECT set_config('hub.operator', 'on', false)")
    return owner


_KEPT = {"django_migrations", "django_content_type", "auth_permission", "hub_partitioned_table", "hub_secret"}


@cache
def _emptier() -> tuple[psycopg.Connection, str]:
    """A connection that is kept, and how it empties tables.

    Past triggers and foreign keys where its role may: TRUNCATE takes a hundred times as long.
    """
    database = psycopg.conninfo.conninfo_to_dict(os.environ["DATABASE_OWNER_URL"])["dbname"]
    admin = psycopg.connect(os.environ["HUB_TEST_ADMIN_URL"], dbname=database, autocommit=True)
    try:
        admin.execute("SET session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        return owner_connection(), 'TRUNCATE "{}" CASCADE'
    return admin, 'DELETE FROM "{}"'


def _delete_rows() -> None:
    connection, empty = _emptier()
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace ORDER BY relname"
    ).fetchall()
    asked = " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for (name,) in tables if name not in _KEPT
    )
    filled = connection.execute(asked, prepare=True).fetchall()
    connection.execute(";".join(empty.format(name) for (name,) in filled))


def _empty() -> None:
    try:
        _delete_rows()
    except psycopg.OperationalError:  # a test has restarted the server
        _emptier.cache_clear()
        _delete_rows()
    # files whose rows are gone
    shutil.rmtree(settings.STATE_DIR / "exports", ignore_errors=True)
    store.flushdb()
    # no test meets a store that rests because another one had it fail
    store_module.store_answered()
    limits.fallback.must_announce = False
    snapshots._cache.clear()
    limits._refusals.clear()
    spool.rotate()
    for path in spool.directory.glob("*.rows"):
        if closed := _closed_file(path):  # of a process that is gone, too
            closed.close()
            path.unlink()


@pytest.fixture
def organization() -> Any:
    return make_organization()


@pytest.fixture
def key(organization: Any) -> IssuedKey:
    """A sandbox key of `organization` with every partner scope."""
    return make_key(organization)


@pytest.fixture
def partner(key: IssuedKey) -> Partner:
    """Calls the API as a partner does, with `key`."""
    return Partner(key)


@pytest.fixture
def other_partner() -> Partner:
    """Another organization's partner."""
    return Partner(make_key())


@pytest.fixture
def partner_with(organization: Any) -> Callable[..., Partner]:
    """A partner whose key holds just these scopes."""

    def build(*scopes: str, **given: Any) -> Partner:
        return Partner(make_key(organization, scopes=scopes, **given))

    return build


@pytest.fixture
def admin_client() -> Client:
    """A super-admin's browser session."""
    client = Client()
    client.force_login(make_super_admin().user)
    return client


@pytest.fixture
def shipped() -> Callable[[], None]:
    """Ship the usage spool now instead of within a second."""

    def ship() -> None:
        spool.rotate()
        spool_ship(settings.STATE_DIR / "usage")

    return ship


@pytest.fixture
def no_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """The store stops answering; calling what is given brings it back."""
    fallback = Fallback(Journal(tmp_path))
    for module in (limits, store_module):
        monkeypatch.setattr(module, "fallback", fallback)
    monkeypatch.setattr(store_module, "_rests_until", 0.0)
    down = monkeypatch.context()
    broken = down.__enter__()

    def refuse(*_: object, **__: object) -> None:
        raise redis.ConnectionError("down")

    broken.setattr(store_module, "_once", refuse)
    broken.setattr(store, "execute_command", refuse)

    def bring_back() -> None:
        broken.undo()
        store_module.store_answered()

    yield bring_back
    down.__exit__(None, None, None)
