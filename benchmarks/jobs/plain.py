"""A plain Celery task: Celery's own settings, no Django, no results. BROKER is the broker's address.

Run in a process of its own (benchmarks/remote.py) it sends; `celery -A benchmarks.jobs.plain worker` works.
"""

import os
from typing import Any

from celery import Celery

app = Celery(
    "plain",
    broker=os.environ.get("BROKER"),
    set_as_current=False,
    fixups=[],  # Django's would load the hub's settings
)


@app.task(ignore_result=True)
def empty() -> None:
    """Nothing."""


def submit(count: int) -> None:
    """Send so many."""
    for _ in range(count):
        empty.delay()


def busy() -> bool:
    """Whether a task waits or runs."""
    return messages_wait(app, "celery")


def messages_wait(celery: Celery, queue: str) -> bool:
    """Whether the broker holds messages of a queue, or some that a worker took and did not acknowledge."""
    with celery.connection_for_read() as connection:
        channel: Any = connection.default_channel
        client = channel.client
        return bool(client.llen(queue) or client.hlen("unacked"))
