"""Who takes part: each server with its settings, and the request that it is asked."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.processes import Server, clean_environment, free_port, granian
from benchmarks.stores import Stores
from config.embedded.state import CHECKOUT, SetUpError

PEERS = Path(__file__).with_name("peers")
ROWS = Path(__file__).with_name("rows.sql").read_text()
HUB = "bench_hub"
PEER = "bench_peer"
# So many that no key reaches its 600 a minute at 5,000 requests a second; and for each the same.
KEYS = 500
LEADS = 1_000


@dataclass(frozen=True)
class Program:
    """How one server is started. `wsgi` names the application of those that can be run in-process."""

    name: str
    command: Callable[[int], list[str]]
    environment: dict[str, str]
    wsgi: str = ""
    python: str = sys.executable

    def server(self, stores: Stores) -> Server:
        port = free_port()
        return Server(
            self.name, self.command(port), port=port, environment=self.environment, log=stores.state.log
        )


@dataclass(frozen=True)
class Contender:
    """One line of the table: a request to a program, from many keys in turn."""

    name: str
    title: str
    program: Program
    path: str
    headers: list[str] = field(default_factory=lambda: [""])
    status: int = 200

    def check(self, url: str, expected: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        """Ask once; answers the rows. Raises SetUpError unless status and rows are as they must be."""
        body = self.body(url)
        rows = [_comparable(row) for row in json.loads(body).get("data", [])]
        if self.status == 200 and (len(rows) != 20 or (expected is not None and rows != expected)):
            raise SetUpError(f"{self.name} answered other rows: {body[:500]!r}")
        return rows

    def body(self, url: str) -> bytes:
        """One answer's body. Raises SetUpError unless its status is as it must be."""
        pairs = [self.headers[0].partition(": ")[::2]] if self.headers[0] else []
        request = urllib.request.Request(url + self.path, headers=dict(pairs))  # noqa: S310 (our own address)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        if status != self.status:
            raise SetUpError(f"{self.name} answered {status}: {body[:500]!r}")
        return bytes(body)


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    # 00:00:20Z and 00:00:20.000Z are the same moment
    return row | {name: datetime.fromisoformat(row[name]) for name in ("createdAt", "updatedAt")}


@dataclass(frozen=True)
class Hub:
    """Our own installation in the stores, with one organization."""

    environment: dict[str, str]
    organization_id: str
    keys: list[str]
    slow_key: str

    @property
    def path(self) -> str:
        return f"/api/partner/v1/leads?organizationId={self.organization_id}"

    def program(self, workers: int = 2) -> Program:
        """The product as `make run` serves it, with production's settings."""
        application = "config.wsgi:application"
        return Program(
            "hub",
            lambda port: granian(application, port=port, workers=workers),
            self.environment,
            wsgi=application,
        )


def hub_create(stores: Stores, *, leads: int = LEADS) -> Hub:
    """Migrate an empty hub, and give it an organization with keys and leads."""
    logins = stores.database_create(HUB)
    environment = clean_environment(
        **stores.secrets,
        DJANGO_SETTINGS_MODULE="config.settings.prod",
        DATABASE_URL=logins.application,
        DATABASE_OWNER_URL=logins.owner,
        REDIS_URL=stores.valkey.url(database=0),
        HUB_STATE=str(stores.state.root),
        LOG_LEVEL="WARNING",
        PYTHONUNBUFFERED="1",
    )
    python("manage.py", "migrate", "--database", "owner", "-v0", environment=environment)
    tenant = json.loads(python("-m", "benchmarks.tenant", str(KEYS), environment=environment))
    leads_load(stores, HUB, "leads_lead", tenant["organization_id"], last=leads)
    return Hub(environment, **tenant)


def leads_load(
    stores: Stores, database: str, table: str, organization_id: str, *, first: int = 1, last: int
) -> None:
    """Fill a table with the rows that every contender answers."""
    with stores.superuser(database) as connection:
        organization = f"'{organization_id}'"
        statement = ROWS.format(table=table, organization=organization, first=first, last=last)
        connection.execute(statement.encode())
        connection.execute(f"VACUUM ANALYZE {table}".encode())


def ours(hub: Hub) -> list[Contender]:
    """The governed request, its refusal, and the same view with governing switched off."""
    program = hub.program()
    ungoverned = Program(
        "ungoverned",
        program.command,
        hub.environment
        | {
            "DJANGO_SETTINGS_MODULE": "benchmarks.ungoverned_settings",
            "BENCH_KEY_ID": hub.keys[0].partition(".")[0],
        },
        wsgi=program.wsgi,
    )
    keys = [f"x-partner-api-key: {key}" for key in hub.keys]
    slow = [f"x-partner-api-key: {hub.slow_key}"]
    return [
        Contender("governed", "**ours, governed**", program, hub.path, keys),
        Contender("refused", "ours, refusing (429)", program, hub.path, slow, status=429),
        Contender("ungoverned", "ours, governing switched off", ungoverned, hub.path),
    ]


def peer_environment(stores: Stores, **added: str) -> dict[str, str]:
    """What a peer is told: libpq's own variables, and the socket of the Redis-compatible server."""
    return clean_environment(
        PYTHONPATH=str(PEERS),
        PYTHONUNBUFFERED="1",
        PGHOST=str(stores.postgres.socket),
        PGDATABASE=PEER,
        PGUSER=f"{PEER}_owner",
        REDIS_SOCKET=str(stores.valkey.socket),
        **added,
    )


def peers_create(stores: Stores, hub: Hub, *, leads: int = LEADS) -> None:
    """The peers' database, with the same leads."""
    stores.database_create(PEER)
    with stores.superuser(PEER) as connection:
        connection.execute(f"SET ROLE {PEER}_owner".encode())
        connection.execute((PEERS / "schema.sql").read_bytes())
    leads_load(stores, PEER, "lead", hub.organization_id, last=leads)


def bare_drf(stores: Stores, hub: Hub) -> Contender:
    """The same list by Django REST framework alone."""
    application = "wsgi:application"
    program = Program(
        "bare_drf",
        lambda port: granian(application, port=port),
        peer_environment(stores, DJANGO_SETTINGS_MODULE="bare_drf.settings"),
        wsgi=application,
    )
    return Contender("bare_drf", "bare DRF", program, hub.path)


def floor(stores: Stores, hub: Hub, body: bytes) -> Contender:
    """The server alone, returning the bytes of one of our answers."""
    application = "floor.wsgi:application"
    file = stores.state.root / "floor-body"
    file.write_bytes(body)
    program = Program(
        "floor",
        lambda port: granian(application, port=port),
        peer_environment(stores, FLOOR_BODY=str(file)),
        wsgi=application,
    )
    return Contender("floor", "floor: the server with static bytes", program, hub.path)


def python(*arguments: str, environment: dict[str, str], executable: str = sys.executable) -> str:
    """Run Python to its end; answers what it printed. Raises SetUpError with its errors."""
    done = subprocess.run(  # noqa: S603 (our own command)
        [executable, *arguments],
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetUpError(f"{' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def all_of(stores: Stores, hub: Hub) -> list[Contender]:
    """Every contender, ours first."""
    governed = ours(hub)
    with governed[0].program.server(stores) as server:
        body = governed[0].body(server.url)
    return [*governed, bare_drf(stores, hub), floor(stores, hub, body)]
