"""Fixtures. The tests use the application role's login, as the product does: row-level security is on.

Everything commits for real; after a test the owner's login empties every table.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client

from credentials import limits, snapshots
from credentials import store as store_module
from credentials.admission_journal import Journal
from credentials.limits_fallback import Fallback
from credentials.services.keys import IssuedKey
from credentials.store import store
from credentials.usage import spool, spool_ship
from tests.factories import make_key, make_organization, make_super_admin
from tests.partner import Partner


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """tests/stores.py has migrated already."""


@pytest.fixture(autouse=True)
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Open the database to every test, and leave it empty."""
    with django_db_blocker.unblock():
        yield
        connection.close()
        _empty()


def owner_connection() -> psycopg.Connection:
    """A raw connection as the owner, for what the application role must not do."""
    owner = psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)
    owner.execute("SELECT set_config('hub.operator', 'on', false)")
    return owner


_KEPT = {"django_migrations", "django_content_type", "auth_permission", "hub_partitioned_table", "hub_secret"}


def _empty() -> None:
    with owner_connection() as owner:
        tables = owner.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        filled = [
            f'"{name}"'
            for (name,) in tables
            if name not in _KEPT and owner.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()
        ]
        if filled:
            owner.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
    store.flushdb()
    snapshots._cache.clear()
    limits._refusals.clear()
    if unshipped := spool.rotate():
        unshipped.unlink()


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
        spool_ship(settings.STATE_DIR / "usage", mine=os.getpid())

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
