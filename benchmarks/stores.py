"""A throw-away PostgreSQL and Valkey for a run, as durable as production: fsync, append-only file."""

import fcntl
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from benchmarks.processes import Cpu, leftovers_end
from config.embedded import provision, secrets_file
from config.embedded.postgres import Postgres
from config.embedded.program import end, living_in
from config.embedded.state import CHECKOUT, SetUpError, State
from config.embedded.valkey import Valkey


class Stores:
    """A context: servers on unix sockets in a directory that goes with them."""

    def __enter__(self) -> "Stores":
        # beside what `make run` keeps, so that both write to the same kind of disk
        parent = CHECKOUT / "var" / "benchmarks"
        parent.mkdir(parents=True, exist_ok=True)
        self._lock = (parent / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetUpError(
                "A benchmark of this checkout is running; two would measure each other."
            ) from None
        leftovers_end()
        for left in parent.glob("stores-*"):  # by a run that was killed
            _remove(State(left))
        self.state = State(Path(tempfile.mkdtemp(prefix="stores-", dir=parent)))
        self.state.make()
        self.postgres, self.valkey = Postgres(self.state), Valkey(self.state)
        self.secrets = secrets_file.generate()
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def database_create(self, name: str) -> provision.Logins:
        """A database with its owner and its application role."""
        return provision.provision(self.postgres.url(), database=name)

    def superuser(self, database: str) -> psycopg.Connection:
        """A connection past row-level security, to load rows with."""
        return psycopg.connect(self.postgres.url(database=database), autocommit=True)

    def cpu(self) -> Cpu:
        """What both servers have used so far."""
        return Cpu.of(*(process.pid for process in self._processes))

    def _start(self) -> None:
        for store in (self.postgres, self.valkey):
            store.prepare()
            log = (self.state.log / f"{type(store).__name__}.log").open("wb")
            self._processes.append(
                subprocess.Popen(  # noqa: S603 (our own command)
                    store.command(),
                    cwd=CHECKOUT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C reaches us alone; we stop the others in order
                    start_new_session=True,
                )
            )
        deadline = time.monotonic() + 60
        for store in (self.postgres, self.valkey):
            while not store.is_ready():
                if time.monotonic() > deadline:
                    raise SetUpError(f"{type(store).__name__} did not start; see {self.state.log}")
                time.sleep(0.02)

    def _stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        _remove(self.state)
        self._lock.close()


def _remove(state: State) -> None:
    """Remove a directory of servers, and what of it lies elsewhere (see State)."""
    end(living_in(state.postgres / "data") + living_in(state.valkey))
    for directory in (state.postgres_socket, state.valkey_socket.parent, state.postgres, state.root):
        shutil.rmtree(directory, ignore_errors=True)
