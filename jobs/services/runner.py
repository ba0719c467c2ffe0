"""The job engine: submit, claim, beat, settle, sweep (docs/architecture.md, the job's way)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone

from config import tenancy
from config.api.queue import enqueue
from jobs.events import JOB_COMPLETED, JOB_FAILED
from jobs.models import Call, Job
from jobs.registry import JOB_TYPES, JobCanceled, JobFailure
from partners.services.audit import Actor, audit_record
from webhooks.services import callback_schedule, event_emit

log = structlog.get_logger(__name__)

BEAT_EVERY_S = 5
# A worker that misses four beats is dead; the sweep then frees its job within another five seconds.
LEASE = timedelta(seconds=20)
RETRY_WAIT = timedelta(seconds=10)
_WAKES_A_SWEEP = 4


@transaction.atomic
def job_submit(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    job_type: str,
    params: dict[str, Any] | None = None,
    call: Call | None = None,
    webhook_url: str = "",
) -> Job:
    """Queue a job; a worker is woken once the caller's transaction commits."""
    kind = JOB_TYPES[job_type]
    job = Job.objects.create(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        job_type=kind.name,
        queue=kind.queue,
        params=params or {},
        call=call,
        webhook_url=webhook_url,
        max_attempts=kind.max_attempts,
    )
    enqueue(task_of(kind.queue))
    return job


def task_of(queue: str) -> str:
    """The Celery task that works on a queue."""
    return "jobs.run_analysis" if queue == "analysis" else "jobs.run"


def job_work(*, queue: str) -> bool:
    """Take the next due job of a queue and run it to its end; False when none is due.

    However a run ends, the row says so: completed, failed, or queued again for another attempt.
    """
    job = job_claim(queue=queue, now=timezone.now())
    if job is None:
        return False
    kind = JOB_TYPES[job.job_type]
    with structlog.contextvars.bound_contextvars(job_id=str(job.id)), _beating(job) as reporter:
        log.info("job_started", job_type=job.job_type, attempt=job.attempt_count)
        try:
            results = kind.run(job, reporter)
        except JobCanceled:
            log.info("job_stopped")
        except JobFailure as failure:
            job_settle(job=job, error={"code": failure.code, "message": failure.message})
        except Exception:
            log.exception("job_crashed")
            _retry_or_fail(job)
        else:
            job_settle(job=job, results=results)
    return True


def job_claim(*, queue: str, now: datetime) -> Job | None:
    """Lease the next due job to the caller; no two callers get the same one.

    A job whose attempts are used up (its workers died on it) is failed instead.
    """
    while True:
        with tenancy.operator():
            job = (
                Job.objects.select_for_update(skip_locked=True, of=("self",))
                .due(now=now)
                .filter(queue=queue, job_type__in=JOB_TYPES)
                .order_by("due_at", "id")
                .first()
            )
            if job is None:
                return None
            job.lease_token, job.lease_until = uuid4(), now + LEASE
            exhausted = job.attempt_count >= job.max_attempts
            if not exhausted:
                job.attempt_count += 1
                job.started_at = job.started_at or now
            job.status = Job.Status.PROCESSING
            job.save(
                update_fields=[
                    "lease_token",
                    "lease_until",
                    "attempt_count",
                    "started_at",
                    "status",
                    "updated_at",
                ]
            )
        if not exhausted:
            return job
        message = f"The worker died {job.max_attempts} times while it worked on this job."
        job_settle(job=job, error={"code": "attempts_exhausted", "message": message})


def job_settle(*, job: Job, results: Any | None = None, error: dict[str, str] | None = None) -> bool:
    """Complete (or, with `error`, fail) a job, announce it and schedule its callback, in one commit.

    Answers False, and changes nothing, when the lease is no longer the caller's: another worker has the
    job, or it was canceled.
    """
    with tenancy.operator():
        held = Job.objects.select_for_update(of=("self",)).filter(
            id=job.id, lease_token=job.lease_token, status=Job.Status.PROCESSING
        )
        mine = held.first()
        if mine is None:
            return False
        mine.status = Job.Status.FAILED if error else Job.Status.COMPLETED
        mine.results, mine.error = results, error
        mine.progress = mine.progress if error else 100
        mine.completed_at = timezone.now()
        mine.lease_token = mine.lease_until = None
        mine.save()
        _announce(mine)
    log.info("job_settled", status=mine.status, error=error and error["code"])
    return True


def _announce(job: Job) -> None:
    kind = JOB_TYPES[job.job_type]
    event_emit(
        JOB_FAILED if job.error else JOB_COMPLETED,
        subject=job,
        organization_id=job.organization_id,
        environment=job.environment,
        client_id=job.client_id,
    )
    if kind.settled:
        kind.settled(job)
    if job.webhook_url:
        payload: dict[str, Any] = {
            "job_id": str(job.id),
            "job_type": job.job_type,
            "status": str(job.status),
            "timestamp": job.completed_at,
            "call_id": str(job.call_id) if job.call_id else None,
            "results": job.results,
        }
        if job.error:
            payload["error"] = job.error
        callback_schedule(
            organization_id=job.organization_id,
            environment=job.environment,
            client_id=job.client_id,
            url=job.webhook_url,
            event_type="job.failed" if job.error else "job.completed",
            webhook_id=str(job.id),
            payload=payload,
            async_job_id=job.id,
        )


def _retry_or_fail(job: Job) -> None:
    if job.attempt_count >= job.max_attempts:
        message = f"The job failed unexpectedly {job.attempt_count} times."
        job_settle(job=job, error={"code": "internal_error", "message": message})
        return
    with tenancy.operator():
        Job.objects.filter(id=job.id, lease_token=job.lease_token).update(
            status=Job.Status.QUEUED,
            due_at=timezone.now() + RETRY_WAIT,
            lease_token=None,
            lease_until=None,
        )


def job_cancel(*, job_id: UUID) -> Job:
    """Cancel a job that is not settled; a running one stops at its next progress report.

    Canceling a settled job changes nothing. Raises Job.DoesNotExist (404).
    """
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",)).get(id=job_id)
        if job.status in (Job.Status.QUEUED, Job.Status.PROCESSING):
            job.status, job.completed_at = Job.Status.CANCELED, timezone.now()
            job.lease_token = job.lease_until = None
            job.save(update_fields=["status", "completed_at", "lease_token", "lease_until", "updated_at"])
    return job


def job_rerun(*, job_id: UUID, actor: Actor) -> Job:
    """Queue a failed job again with fresh attempts; a job in any other state stays as it is.

    Raises Job.DoesNotExist (404).
    """
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",)).get(id=job_id)
        if job.status == Job.Status.FAILED:
            audit_record(
                actor=actor,
                action="job.rerun",
                target=job,
                organization_id=job.organization_id,
                before={"error": job.error},
                after={"error": None},
            )
            job.status, job.error, job.completed_at = Job.Status.QUEUED, None, None
            job.attempt_count, job.progress, job.stage = 0, 0, ""
            job.due_at = timezone.now()
            job.save()
            enqueue(task_of(job.queue))
    return job


def jobs_sweep() -> int:
    """Wake workers for due jobs whose messages were lost; answers how many jobs are due.

    Messages may be too many, never too few: a wake-up that finds nothing ends at once.
    """
    now = timezone.now()
    with tenancy.operator():
        due = Job.objects.due(now=now - timedelta(seconds=BEAT_EVERY_S))
        queues = list(due.values_list("queue", flat=True))
    for queue in set(queues):
        for _ in range(min(queues.count(queue), _WAKES_A_SWEEP)):
            enqueue(task_of(queue))
    return len(queues)


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
