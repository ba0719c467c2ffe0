"""The job engine's heart: take a due job, work on it, settle it (docs/jobs.md)."""

import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog
from django.db import DataError, connection
from django.db import Error as DatabaseError
from django.utils import timezone

from config import tenancy
from config.api.queue import enqueue
from jobs.confinement import memory_exceeded, work_confined
from jobs.endings import Ending, Outcome, unexpected, work_on
from jobs.models import Job
from jobs.registry import JOB_TYPES, JobCanceled
from jobs.services.claims import LEASE, job_claim
from jobs.services.queueing import task_of
from jobs.services.settling import job_end

log = structlog.get_logger(__name__)

BEAT_EVERY_S = 5
# How long one wake-up takes jobs on before it makes room for other tasks.
TURN_S = 10


def jobs_work(*, queue: str) -> int:
    """Work on due jobs of a queue, one after the other; answers how many.

    After a turn no further one is taken, and another message asks for the rest.
    """
    started, done = time.monotonic(), 0
    while job_work(queue=queue):
        done += 1
        if time.monotonic() - started > TURN_S:
            enqueue(task_of(queue))
            break
    return done


def job_work(*, queue: str) -> bool:
    """Take the next due job of a queue and run it to its end; False when none is due.

    However a run ends, the row says so: completed, failed, or queued again for another attempt.
    """
    job = job_claim(queue=queue, now=timezone.now())
    if job is None:
        return False
    with structlog.contextvars.bound_contextvars(job_id=str(job.id)), _beating(job) as reporter:
        log.info("job_started", job_type=job.job_type, attempt=job.attempt_count)
        ending = _attempt(job, reporter)
        try:
            job_end(job=job, ending=ending)
        except (TypeError, ValueError, DataError) as error:  # results that are no JSON PostgreSQL keeps
            log.exception("job_results_refused")
            job_end(job=job, ending=unexpected(error))
    return True


def _attempt(job: Job, reporter: "_Reporter") -> Ending:
    kind = JOB_TYPES[job.job_type]
    try:
        if kind.is_confined:
            return work_confined(kind, job, reporter)
        before_s = time.process_time()
        ending = work_on(kind, job, reporter)
    except MemoryError:
        return memory_exceeded(kind)
    except JobCanceled:
        return Ending(Outcome.CANCELED)
    except Exception as error:
        log.exception("job_attempt_failed")
        return unexpected(error)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return replace(ending, peak_memory_bytes=peak_bytes, cpu_s=time.process_time() - before_s)


class _Reporter:
    """Writes progress of one claimed job, and notices when the lease is lost."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._percent = job.progress
        self._stage = job.stage
        self._lost = threading.Event()

    def progress(self, stage: str, percent: int) -> None:
        percent = max(self._percent, min(percent, 99))
        if (stage, percent) != (self._stage, self._percent):
            self._stage, self._percent = stage, percent
            self._write(stage=stage, progress=percent)
        if self._lost.is_set():
            raise JobCanceled

    def canceled(self) -> bool:
        return self._lost.is_set()

    def beat(self) -> None:
        self._write()

    def _write(self, **fields: Any) -> None:
        with tenancy.operator():
            held = Job.objects.filter(
                id=self._job.id, lease_token=self._job.lease_token, status=Job.Status.PROCESSING
            )
            if not held.update(lease_until=timezone.now() + LEASE, **fields):
                self._lost.set()


@contextmanager
def _beating(job: Job) -> Iterator[_Reporter]:
    reporter, done = _Reporter(job), threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_EVERY_S):
            try:
                reporter.beat()
            except DatabaseError as error:
                log.warning("beat_failed", error=str(error))
            finally:
                connection.close()

    thread = threading.Thread(target=beat, name="job-beat", daemon=True)
    thread.start()
    try:
        yield reporter
    finally:
        done.set()
        thread.join()
