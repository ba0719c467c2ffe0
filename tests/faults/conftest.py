"""Faults need the sweep that the scheduler runs every five seconds."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from jobs.tasks import sweep as sweep_jobs
from tests.processes import Process, Web, worker
from tests.webhooks.receiver import Receiver
from webhooks.tasks import sweep as sweep_webhooks


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def sweeping() -> Iterator[None]:
    """Run both sweeps as the scheduler does, while the test goes on."""
    done = threading.Event()

    def sweep() -> None:
        while not done.wait(1):
            sweep_jobs()
            sweep_webhooks()
            connection.close()

    thread = threading.Thread(target=sweep)
    thread.start()
    yield
    done.set()
    thread.join()


@pytest.fixture
def workers() -> Iterator[list[Process]]:
    """Workers the test starts; whatever still runs at its end is killed."""
    started: list[Process] = []
    yield started
    for process in started:
        process.kill()


@pytest.fixture(scope="session")
def pair() -> Iterator[tuple[Web, Web]]:
    """Two web processes. Their request log stays in its spool: tables are emptied under them."""
    first, second = Web(USAGE_SHIP_EVERY_S="3600"), Web(USAGE_SHIP_EVERY_S="3600")
    with first, second:
        yield first, second


def start(workers: list[Process], *queues: str) -> Process:
    process = worker(*queues)
    workers.append(process)
    return process
