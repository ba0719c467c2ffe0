"""The embedded servers heal after kill -9 and lose nothing that was acknowledged."""

import os
import subprocess
import sys
import time

import psutil
import psycopg
import pytest
import redis
from django.conf import settings

from config.embedded import provision
from config.embedded.postgres import Postgres
from config.embedded.program import MARK, command_line, leftovers
from config.embedded.state import SetUpError, State
from config.embedded.valkey import Valkey
from tests.embedded.conftest import kill


def test_postgres_keeps_acknowledged_rows_through_kills(state, start):
    server = Postgres(state)
    for round_number in range(3):
        process = start(server)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
            connection.execute("INSERT INTO kept VALUES (%s)", [round_number])
            kill(process)
    start(server)
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT array_agg(number) FROM kept").fetchone() == ([0, 1, 2],)


def test_valkey_keeps_what_is_a_second_old(state, start):
    server = Valkey(state)
    process = start(server)
    store = redis.Redis.from_url(server.url())
    store.set("kept", "yes")
    time.sleep(1.5)
    kill(process)
    start(server)
    assert redis.Redis.from_url(server.url()).get("kept") == b"yes"


def test_a_second_valkey_never_shares_a_socket_with_the_first(state, start):
    server = Valkey(state)
    first = start(server)
    orphan = psutil.Process(first.pid)
    start(server)
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE


def test_a_half_made_cluster_is_made_again(state, start):
    server = Postgres(state)
    half = server.data.with_name("data.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    start(server)
    assert server.is_ready()


def test_a_program_dies_with_its_parent():
    sleeper = command_line("sleeper:test", [sys.executable, "-c", "import time; time.sleep(60)"])
    code = f"import subprocess, time; subprocess.Popen({sleeper!r}); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=settings.BASE_DIR)
    deadline = time.monotonic() + 20
    while not (children := psutil.Process(parent.pid).children()) or (children[0].cmdline()[1:2] != ["-c"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kill(parent)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_leftovers_are_found_by_their_mark():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={MARK: "web:abc"})
    try:
        time.sleep(0.3)
        assert [found.pid for found in leftovers("web:abc")] == [process.pid]
        assert leftovers("web:other") == []
    finally:
        process.kill()
        process.wait()


def test_one_holder_of_a_directory(state):
    with state.lock(), pytest.raises(SetUpError, match="running already"), State(state.root).lock():
        pass


def test_provisioning_makes_two_roles_that_the_policies_hold(state, start, tmp_path):
    server = Postgres(state)
    start(server)
    for _ in range(2):
        logins = provision.provision(server.url(), database="shop", password_file=tmp_path / "passwords")
    assert (tmp_path / "passwords").stat().st_mode & 0o077 == 0
    with psycopg.connect(logins.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE thing (organization_id uuid)")
        owner.execute("ALTER TABLE thing ENABLE ROW LEVEL SECURITY")
        owner.execute("ALTER TABLE thing FORCE ROW LEVEL SECURITY")
        owner.execute("INSERT INTO thing SELECT gen_random_uuid() WHERE false")
    with psycopg.connect(logins.application, autocommit=True) as application:
        row = application.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False, False)
        assert application.execute("SELECT count(*) FROM thing").fetchone() == (0,)
        for statement in (
            "CREATE TABLE mine ()",
            "ALTER TABLE thing DISABLE ROW LEVEL SECURITY",
            "TRUNCATE thing",
            "SET ROLE shop_owner",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(statement)


def test_an_address_without_a_database_is_refused_in_one_line():
    with pytest.raises(SetUpError, match="must name a database"):
        provision.database_of("postgres://user@host/")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_a_closed_checkout_keeps_its_cluster_elsewhere_and_a_new_one_starts_afresh(tmp_path):
    tmp_path.chmod(0o700)
    root = tmp_path / "var"
    root.mkdir()
    first = State(root).postgres
    try:
        assert not first.is_relative_to(tmp_path)
        assert State(root).postgres == first
        (root / "postgres").unlink()
        second = State(root).postgres
        assert second != first
        second.rmdir()
    finally:
        first.rmdir()
