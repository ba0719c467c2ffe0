"""One step of the job engine at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection
from django.utils import timezone

from jobs.models import Job
from jobs.services.claims import jobs_claim
from jobs.services.lots import Lot
from jobs.services.runner import jobs_work, lot_work


def job_claim(*, queue: str, now: datetime) -> Job | None:
    """Take the next due job, as a worker does that then does nothing."""
    return next(iter(jobs_claim(queue=queue, now=now)), None)


def job_work(*, queue: str) -> bool:
    """Take the next due job and run it to its end; False when none is due."""
    job = job_claim(queue=queue, now=timezone.now())
    return job is not None and bool(lot_work(Lot([job])))


@contextmanager
def working(queue: str) -> Iterator[None]:
    """A thread works on a queue's jobs, as a worker would that takes ten seconds to start."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.1):
            jobs_work(queue=queue)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
