"""Servers of their own in a directory of their own, started through the launcher as `make run` does."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from config.embedded.state import State


@pytest.fixture(autouse=True)
def database():
    """Instead of the project's: these tests bring their own."""


@pytest.fixture
def state() -> Iterator[State]:
    # pytest's own temporary folders are closed to the user that PostgreSQL drops to
    directory = Path(tempfile.mkdtemp(prefix="hub-test-"))
    state = State(directory)
    state.make()
    yield state
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def start() -> Iterator[Callable[[Any], subprocess.Popen]]:
    """Prepare and start a store, wait until it answers; whatever still runs is ended after the test."""
    started: list[subprocess.Popen] = []

    def begin(store: Any) -> subprocess.Popen:
        store.prepare()
        process = subprocess.Popen(
            store.command(), cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started.append(process)
        deadline = time.monotonic() + 30
        while not store.is_ready():
            assert process.poll() is None, "it ended at once"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.05)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=20)


def kill(process: subprocess.Popen) -> None:
    """kill -9 of the server alone: its children are left as orphans."""
    psutil.Process(process.pid).kill()
    process.wait()
