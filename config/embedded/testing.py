"""Throw-away servers for tests and checks: a temporary directory, no fsync, gone with their starter."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded import provision, secrets_file
from config.embedded.postgres import Postgres
from config.embedded.state import CHECKOUT, SetUpError, State, private
from config.embedded.valkey import Valkey

PREFIX = "hub_test"

_running: list["_Stores"] = []


class _Stores:
    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="hub-test-"))
        state = State(self.root)
        state.make()
        self.files = self.root / "state"
        private(self.files)
        private(self.files / "static")
        self.postgres = None if "DATABASE_URL" in os.environ else Postgres(state, durable=False)
        self.valkey = None if "REDIS_URL" in os.environ else Valkey(state, durable=False)
        self.admin_url = self.postgres.url() if self.postgres else os.environ["DATABASE_URL"]
        self.redis_url = self.valkey.url() if self.valkey else os.environ["REDIS_URL"]
        if not self.postgres and not provision.may_administer(self.admin_url):
            raise SetUpError("The tests need a DATABASE_URL whose role may create roles and databases.")
        self.secrets = secrets_file.generate()
        self.state = state
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        for store in (self.postgres, self.valkey):
            if store is None:
                continue
            store.prepare()
            log = (self.state.log / f"{type(store).__name__}.log").open("wb")
            process = subprocess.Popen(  # noqa: S603 (our own command)
                store.command(), cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            self.processes.append(process)
        deadline = time.monotonic() + 60
        for store in (self.postgres, self.valkey):
            while store and not store.is_ready():
                if time.monotonic() > deadline:
                    raise SetUpError(f"{type(store).__name__} did not start; see {self.state.log}")
                time.sleep(0.02)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.send_signal(signal.SIGINT)  # PostgreSQL would wait for its clients at SIGTERM
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.root, ignore_errors=True)
        if self.state.postgres.parent != self.root:
            shutil.rmtree(self.state.postgres, ignore_errors=True)


def start_test_stores() -> dict[str, str]:
    """Start the servers (external ones where DATABASE_URL or REDIS_URL are set); answers secrets to export.

    Raises SetUpError when this machine cannot.
    """
    stores = _Stores()
    _running.append(stores)
    try:
        stores.start()
    except BaseException:
        stop_test_stores()
        raise
    return {
        **stores.secrets,
        "HUB_STATE": str(stores.files),
        "HUB_TEST_STATE": str(stores.files),
        "HUB_TEST_ADMIN_URL": stores.admin_url,
        "HUB_TEST_REDIS_URL": stores.redis_url,
    }


def stop_test_stores() -> None:
    """Stop what was started and remove its directory. Safe to call twice."""
    while _running:
        _running.pop().stop()


def create_database(name: str, *, template: str | None = None) -> None:
    """Make a database with its roles and grants, or a copy of one."""
    admin_url = os.environ["HUB_TEST_ADMIN_URL"]
    if template is None:
        provision.provision(admin_url, database=name, prefix=PREFIX, password_file=_passwords())
        return
    with psycopg.connect(admin_url, autocommit=True) as admin:
        provision.database_create(admin, name, owner=f"{PREFIX}_owner", template=template)


def drop_database(name: str) -> None:
    """Remove a database, whoever is connected."""
    with psycopg.connect(os.environ["HUB_TEST_ADMIN_URL"], autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def environment(*, database: str, redis_database: int) -> dict[str, str]:
    """DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL of one worker's stores."""
    logins = provision.logins(
        os.environ["HUB_TEST_ADMIN_URL"],
        database=database,
        prefix=PREFIX,
        password_file=_passwords(),
    )
    address, _, query = os.environ["HUB_TEST_REDIS_URL"].partition("?")
    if address.startswith("unix://"):
        redis_url = f"{address}?db={redis_database}"
    else:
        host = address.split("/", 3)[:3]
        redis_url = "/".join(host) + f"/{redis_database}" + (f"?{query}" if query else "")
    return {
        "DATABASE_URL": logins.application,
        "DATABASE_OWNER_URL": logins.owner,
        "REDIS_URL": redis_url,
    }


def state_of(database: str) -> str:
    """A directory for the state of those who use this database, with the secrets of all."""
    files = Path(os.environ["HUB_TEST_STATE"])
    own = files / database
    private(own)
    private(own / "static")
    return str(own)


def _passwords() -> Path | None:
    # the embedded server trusts its socket, which only we can reach
    embedded = "?host=" in os.environ["HUB_TEST_ADMIN_URL"]
    return None if embedded else Path(os.environ["HUB_TEST_STATE"]) / "database.env"
