"""A pytest plugin, loaded before Django's settings: throw-away servers, and a database for each worker.

The controlling process starts the servers, migrates one database and stops the servers at the end; each
xdist worker gets a copy of that database and its own database number in the Redis-compatible server.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded import testing

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "hub_template"
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")


def _own_stores(worker: str) -> None:
    """Point this process at a copy of the migrated database."""
    name = f"hub_{worker or 'main'}"
    testing.drop_database(name)
    testing.create_database(name, template=TEMPLATE)
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    os.environ.update(testing.environment(database=name, redis_database=number))
    # rows that one spooled belong into its own database
    os.environ["HUB_STATE"] = testing.state_of(name)


if not _worker:
    os.environ.update(testing.start_test_stores())
    testing.create_database(TEMPLATE)
    os.environ.update(testing.environment(database=TEMPLATE, redis_database=0))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    migrate = [sys.executable, str(ROOT / "manage.py"), "migrate", "--database", "owner", "-v0"]
    try:
        subprocess.run(migrate, check=True)
    except BaseException:
        testing.stop_test_stores()
        raise
_own_stores(_worker)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers once the controller is done."""
    if not _worker:
        testing.stop_test_stores()
