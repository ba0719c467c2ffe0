"""The job engine's heart: take due jobs, work on them, settle them (docs/jobs.md)."""

import resource
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any

import structlog
from django.utils import timezone

from config import tenancy
from config.api.queue import enqueue_once, message_taken
from jobs.confinement import memory_exceeded, work_confined
from jobs.endings import Ending, Outcome, unexpected, work_on
from jobs.models import Job
from jobs.registry import JOB_TYPES, JobCanceled
from jobs.services.claims import LEASE, jobs_claim
from jobs.services.lots import Lot, Watch
from jobs.services.queueing import task_of

log = structlog.get_logger(__name__)

# How long one wake-up takes jobs on before it makes room for other tasks.
TURN_S = 10
# Quick jobs are taken together: so many, if one takes no longer than this.
_LOT = 32
_QUICK_S = 0.005
# What jobs of a type took lately in this process, in seconds.
_typical_s: dict[str, float] = defaultdict(lambda: 1.0)


def jobs_work(*, queue: str) -> int:
    """Work on due jobs of a queue, one after the other; answers how many.

    After a turn no further one is taken, and another message asks for the rest. Who finds work wakes a next
    worker, until one finds none: before a job that may take long, and behind a quick one.
    """
    message_taken(task_of(queue))
    started, done, quick, woke = time.monotonic(), 0, False, False
    with Watch() as watch:
        while jobs := jobs_claim(
            queue=queue, now=timezone.now(), quick=_quick_types(), at_most=_LOT if quick else 1
        ):
            quick = _typical_s[jobs[-1].job_type] < _QUICK_S
            if not woke and (done or not quick):
                woke = True
                enqueue_once(task_of(queue))
            watch.lot = lot = Lot(jobs)
            done += lot_work(lot)
            if time.monotonic() - started > TURN_S:
                enqueue_once(task_of(queue))
                break
    return done


def _quick_types() -> list[str]:
    return [
        kind.name
        for kind in JOB_TYPES.values()
        if kind.concurrency_per_organization is None and _typical_s[kind.name] < _QUICK_S
    ]


def lot_work(lot: Lot) -> int:
    """Work on a lot; however a run ends, the row says so: completed, failed, or queued again."""
    done = 0
    while job := lot.next():
        began_s = time.monotonic()
        with structlog.contextvars.bound_contextvars(job_id=str(job.id)):
            log.debug("job_started", job_type=job.job_type, attempt=job.attempt_count)
            ending = _attempt(job, lot)
        lot.ended(job, ending)
        # a long one is remembered at once, a quick one only by and by
        took_s = time.monotonic() - began_s
        _typical_s[job.job_type] = max(took_s, (_typical_s[job.job_type] + 2 * took_s) / 3)
        done += 1
    lot.settle()
    return done


def _attempt(job: Job, lot: Lot) -> Ending:
    kind, reporter = JOB_TYPES[job.job_type], _Reporter(job, lot)
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
    """Writes progress of one job of a lot, and notices when its lease is lost."""

    def __init__(self, job: Job, lot: Lot) -> None:
        self._job, self._lot = job, lot
        self._percent = job.progress
        self._stage = job.stage
        self._lost = False

    def progress(self, stage: str, percent: int) -> None:
        percent = max(self._percent, min(percent, 99))
        if (stage, percent) != (self._stage, self._percent):
            self._stage, self._percent = stage, percent
            self._write(stage=stage, progress=percent)
        if self.canceled():
            raise JobCanceled

    def canceled(self) -> bool:
        return self._lost or self._lot.is_lost(self._job)

    def _write(self, **fields: Any) -> None:
        with tenancy.operator():
            held = Job.objects.filter(
                id=self._job.id, lease_token=self._job.lease_token, status=Job.Status.PROCESSING
            )
            self._lost = not held.update(lease_until=timezone.now() + LEASE, **fields)
