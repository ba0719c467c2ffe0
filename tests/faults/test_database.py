"""PostgreSQL stops and comes back under load: refusals that say so, and nothing half-done."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from signal import SIGINT, SIGQUIT, Signals

import environ
import psycopg
import pytest
from django.db import connections
from django_celery_beat.models import PeriodicTask

from config import tenancy
from config.embedded import provision, testing
from leads.models import Lead
from tests.faults.http import Answer, lead_post
from tests.faults.hub import Hub, assert_arrived, states
from tests.faults.servers import Server, postgres, valkey
from tests.processes import Web, wait_until
from tests.racing import hang_up
from tests.stores import TEMPLATE
from tests.webhooks.receiver import Receiver

CLIENTS = 4
ROLES = testing.PREFIX  # whom the template's grants name
FAST, CRASH = SIGINT, SIGQUIT


@pytest.fixture
def database_server(monkeypatch) -> Iterator[Server]:
    """A migrated PostgreSQL that this process and those it starts use meanwhile."""
    with postgres() as server, monkeypatch.context() as patch:
        logins = provision.provision(server.url, database="hub", prefix=ROLES)
        patch.setenv("DATABASE_URL", logins.application)
        patch.setenv("DATABASE_OWNER_URL", logins.owner)
        copy_migrated(server)
        server.stop(FAST)
        server.server.durable = True
        server.start()
        hang_up()
        address = environ.Env.db_url_config(logins.application)
        used = connections.settings["default"]
        for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT"):
            patch.setitem(used, name, address[name])
        patch.setitem(used["OPTIONS"], "host", address["OPTIONS"]["host"])
        yield server
        hang_up()


def copy_migrated(server: Server) -> None:
    """Put into its database what migrations have made in the template; they would take ten times as long."""
    template = psycopg.conninfo.make_conninfo(os.environ["HUB_TEST_ADMIN_URL"], dbname=TEMPLATE)
    dump = subprocess.run(
        [str(server.server.binary("pg_dump")), template], check=True, stdout=subprocess.PIPE
    ).stdout
    restore = [str(server.server.binary("psql")), "-qX", "-v", "ON_ERROR_STOP=1"]
    subprocess.run(
        [*restore, server.server.url(database="hub")], check=True, input=dump, stdout=subprocess.DEVNULL
    )


@pytest.fixture
def hub(database_server: Server, receiver: Receiver) -> Iterator[Hub]:
    files = str(database_server.server.state.root / "state")
    with valkey() as broker, Web(REDIS_URL=broker.url, HUB_STATE=files) as web:
        hub = Hub(web, broker)
        hub.subscribe(receiver)
        hang_up()
        yield hub
        hub.stop()


class Load:
    """Clients that create leads one after another, each under an idempotency key of its own."""

    def __init__(self, hub: Hub) -> None:
        self.answers: dict[str, Answer] = {}
        self.refused: list[OSError] = []
        self.in_a_row = [0] * CLIENTS
        self._hub = hub
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def flows(self) -> bool:
        """Whether every client's last calls were accepted."""
        return min(self.in_a_row) >= 20

    def _send(self, client: int) -> None:
        while not self._done.is_set():
            name = f"{client}-{len(self.answers)}"
            try:
                answer = self.answers[name] = lead_post(self._hub.web, self._hub.key, name)
            except OSError as error:
                self.refused.append(error)
                self.in_a_row[client] = 0
                continue
            self.in_a_row[client] = self.in_a_row[client] + 1 if answer.status == 201 else 0
            time.sleep(0 if answer.status == 201 else 0.02)


def leads() -> dict[str, str]:
    """The ids of all leads, by the idempotency key of the call that made them."""
    with tenancy.operator():
        return {name: str(id) for name, id in Lead.objects.values_list("name", "id")}


def scheduled() -> bool:
    """Whether the scheduler has begun."""
    return PeriodicTask.objects.filter(name="webhooks.sweep").exists()


@contextmanager
def half_way(server: Server) -> Iterator[None]:
    """No lead can be announced: at least one call has made its lead, and hangs in its transaction."""
    with closing(psycopg.connect(server.server.url(database="hub"), autocommit=True)) as superuser:
        superuser.execute("BEGIN")
        superuser.execute("LOCK TABLE webhooks_event IN SHARE MODE")
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query LIKE 'INSERT INTO \"webhooks_event\"%'"
        )

        def hanging() -> bool:
            superuser.execute("SELECT pg_stat_clear_snapshot()")  # a transaction keeps the first one
            return superuser.execute(waiting).fetchone()[0] > 0

        wait_until(hanging, seconds=10, every=0.02)
        yield


def restart(server: Server, how: Signals, load: Load) -> None:
    """Stop the server until every client was refused; it must recover within 30 s."""
    hang_up()
    server.stop(how)
    load.in_a_row = [1] * CLIENTS
    wait_until(lambda: not any(load.in_a_row), seconds=15, every=0.02)
    server.start()
    wait_until(load.flows, seconds=30, every=0.05)


def test_postgresql_restarted_and_crashed_under_load_leaves_nothing_half_done(hub, database_server, receiver):
    worker, beat = hub.start_worker(), hub.start_scheduler()
    before = hub.accept(["before"])
    wait_until(lambda: states() == {"DELIVERED": 1} and scheduled(), seconds=20)
    with Load(hub) as load:
        wait_until(load.flows, seconds=30, every=0.05)
        with half_way(database_server):
            restart(database_server, FAST, load)
        restart(database_server, CRASH, load)
    assert load.refused == [], "the web process answered all the time"
    accepted = {"before": before.pop()}
    accepted |= {name: answer.json()["id"] for name, answer in load.answers.items() if answer.status == 201}
    refused = {name: answer for name, answer in load.answers.items() if answer.status != 201}
    for answer in refused.values():
        body = answer.json()
        assert (answer.status, body["error"]) == (503, "SERVICE_UNAVAILABLE"), body
        assert body["details"]["retryable"] is True
        assert body["requestId"] == answer.headers["x-request-id"]

    found = leads()
    assert accepted.items() <= found.items(), "what was accepted exists"
    unanswered = found.keys() - accepted.keys()
    # the crash may swallow the answer to a COMMIT: of each client's last call, and of no other
    assert unanswered <= refused.keys()
    assert len(unanswered) <= CLIENTS
    for name in refused:
        retried = lead_post(hub.web, hub.key, name)
        assert retried.status == 201
        assert ("idempotent-replayed" in retried.headers) == (name in unanswered)
        accepted[name] = retried.json()["id"]
    assert leads() == accepted, "each call has had its effect, once"

    wait_until(lambda: states() == {"DELIVERED": len(accepted)}, seconds=40)
    assert_arrived(set(accepted.values()), receiver)
    assert worker.is_running()
    assert beat.is_running()
