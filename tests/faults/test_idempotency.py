"""Idempotency keys over several processes, some of them killed (contract 0.4)."""

import http.client
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from config import tenancy
from leads.models import Lead
from tests.conftest import owner_connection
from tests.faults.http import lead_post, statuses
from tests.processes import Web, wait_until


def leads() -> int:
    with tenancy.operator():
        return Lead.objects.count()


@contextmanager
def writers_held_up() -> Iterator[None]:
    """Nobody can insert a lead: a call hangs in its transaction, its idempotency key held."""
    with owner_connection() as owner, owner.transaction():
        owner.execute("LOCK TABLE leads_lead IN SHARE MODE")
        yield


def hanging() -> int:
    """How many server processes of the application wait for that lock, whoever they work for."""
    with owner_connection() as owner:
        (count,) = owner.execute(
            "SELECT count(*) FROM pg_locks WHERE relation = 'leads_lead'::regclass AND NOT granted"
        ).fetchone()
    return count


def held() -> int:
    """How many idempotency keys are held."""
    with owner_connection() as owner:
        (count,) = owner.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND d.datname = current_database()"
        ).fetchone()
    return count


def begin(web: Web, key, idempotency_key: str, outcome: list) -> threading.Thread:
    """Send the call from a thread of its own; what comes of it is put into `outcome`."""

    def call() -> None:
        try:
            outcome.append(lead_post(web, key, idempotency_key))
        except (OSError, http.client.HTTPException) as error:
            outcome.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    return thread


def test_50_identical_calls_at_once_over_two_processes_have_one_effect(pair, key):
    idempotency_key = secrets.token_hex(8)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: lead_post(pair[number % 2], key, idempotency_key), range(50)))
    assert set(statuses(answers)) <= {201, 409}
    created = [answer for answer in answers if answer.status == 201]
    assert len({answer.body for answer in created}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in created) == 1
    for answer in answers:
        if answer.status == 409:
            assert answer.json()["error"] == "IDEMPOTENCY_IN_PROGRESS"
            assert answer.headers["retry-after"] == "1"
    assert leads() == 1


def test_a_second_call_while_the_first_runs_is_told_so_by_every_process(pair, key):
    outcome: list = []
    with writers_held_up():
        thread = begin(pair[0], key, "same", outcome)
        wait_until(lambda: hanging() == 1, seconds=10, every=0.05)
        for web in pair:
            answer = lead_post(web, key, "same")
            assert (answer.status, answer.json()["error"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
            assert answer.headers["retry-after"] == str(answer.json()["retryAfter"])
            assert answer.json()["details"]["retryable"] is True
    thread.join()
    assert outcome[0].status == 201
    assert lead_post(pair[1], key, "same").body == outcome[0].body
    assert leads() == 1


def test_a_process_killed_before_its_commit_frees_the_key_though_its_transaction_waits(pair, key):
    """The server notices the dead while it waits for a lock in their name."""
    outcome: list = []
    with Web() as victim, writers_held_up():
        thread = begin(victim, key, "same", outcome)
        wait_until(lambda: hanging() == 1, seconds=10, every=0.05)
        assert held() >= 1
        victim.kill()
        died = time.monotonic()
        wait_until(lambda: held() == 0, seconds=60)
        assert time.monotonic() - died < 5
        thread.join()
    assert isinstance(outcome[0], Exception)
    assert leads() == 0
    retried = lead_post(pair[0], key, "same")
    assert retried.status == 201
    assert "idempotent-replayed" not in retried.headers
    assert leads() == 1


def test_a_process_killed_after_its_commit_is_answered_for_by_another(pair, key):
    with Web("tests.faults.wsgi_dying:application") as victim:
        with pytest.raises((OSError, http.client.HTTPException)):
            lead_post_and_die(victim, key, "same")
        victim.kill()
    assert leads() == 1
    first, second = lead_post(pair[0], key, "same"), lead_post(pair[1], key, "same")
    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert first.headers["idempotent-replayed"] == second.headers["idempotent-replayed"] == "true"
    with tenancy.operator():
        assert str(Lead.objects.get().id) == first.json()["id"]


def lead_post_and_die(web: Web, key, idempotency_key: str) -> None:
    lead_post(web, key, idempotency_key, headers={"X-Test-Die-Before-Answering": "1"})


def test_the_databases_sessions_notice_a_host_that_is_gone():
    """What cannot be shown on one machine: the server's own settings for each of our sessions."""
    with connection.cursor() as cursor:
        found = {}
        for name in ("client_connection_check_interval", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
    assert found == {
        "client_connection_check_interval": "1s",
        "idle_in_transaction_session_timeout": "30s",
    }


def test_a_transaction_that_stands_still_gives_its_locks_back():
    parameters = connection.get_connection_params()
    with psycopg.connect(
        **{name: parameters[name] for name in ("dbname", "user", "host", "options") if name in parameters}
    ) as session:
        session.execute("SET idle_in_transaction_session_timeout = '200ms'")
        session.commit()
        session.execute("SELECT pg_advisory_xact_lock(4711)")
        wait_until(lambda: held() == 0, seconds=5)
        with pytest.raises(psycopg.Error):
            session.execute("SELECT 1")
