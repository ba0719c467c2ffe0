"""Stores of a test's own, which it may stop, kill, freeze and start again at the same address."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL

from django.conf import settings

from config.embedded.postgres import Postgres
from config.embedded.state import State
from config.embedded.valkey import Valkey
from tests.processes import wait_until


@dataclass
class Server:
    """One store in a directory of its own."""

    server: Valkey | Postgres
    processes: list[subprocess.Popen] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.url()

    def start(self) -> None:
        self.server.prepare()
        self.processes.append(
            subprocess.Popen(
                self.server.command(),
                cwd=settings.BASE_DIR,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        wait_until(self.server.is_ready, seconds=30, every=0.02)

    def signal(self, number: int) -> None:
        self.processes[-1].send_signal(number)

    def stop(self, number: int = SIGKILL) -> None:
        """Stop it, by default as a crash does: what it held in memory is gone."""
        if self.processes[-1].poll() is None:
            self.signal(number)
            self.processes[-1].wait()


@contextmanager
def valkey() -> Iterator[Server]:
    """A Redis-compatible server that keeps nothing on disk."""
    with _directory() as state:
        server = Server(Valkey(state, durable=False))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def postgres() -> Iterator[Server]:
    """An empty PostgreSQL that does not wait for disks until its `server` is told to be durable."""
    with _directory() as state:
        server = Server(Postgres(state, durable=False))
        server.start()
        try:
            yield server
        finally:
            server.stop(SIGINT)


@contextmanager
def _directory() -> Iterator[State]:
    root = Path(tempfile.mkdtemp(prefix="hub-test-"))
    state = State(root)
    state.make()
    try:
        yield state
    finally:
        if state.postgres.parent != root:
            shutil.rmtree(state.postgres, ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)
