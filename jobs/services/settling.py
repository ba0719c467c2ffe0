"""How a job's attempts and the job itself end: in one commit with what is announced of it."""

from typing import Any

import structlog
from django.utils import timezone

from config import tenancy
from jobs.endings import Ending, Outcome
from jobs.events import JOB_COMPLETED, JOB_FAILED
from jobs.models import Job, JobAttempt
from jobs.registry import JOB_TYPES
from jobs.services.promises import breach_flag
from webhooks.services import callback_schedule, event_emit

log = structlog.get_logger(__name__)

_SETTLED_FIELDS = [
    "status", "results", "error", "progress", "completed_at", "lease_token", "lease_until", "updated_at",
]  # fmt: skip


def job_end(*, job: Job, ending: Ending) -> bool:
    """Settle the job by what came of its attempt, or queue it for another one; False as `job_settle`.

    An attempt that was canceled, or that another worker took over, is theirs to write.
    """
    if ending.outcome == Outcome.CANCELED:
        log.info("job_stopped")
        return False
    if not ending.is_repeatable or job.attempt_count >= job.max_attempts:
        if ending.outcome == Outcome.COMPLETED:
            return job_settle(job=job, results=ending.results, ending=ending)
        error = {"code": ending.code, "message": ending.message}
        return job_settle(job=job, error=error, ending=ending)
    now = timezone.now()
    with tenancy.operator():
        held = Job.objects.filter(id=job.id, lease_token=job.lease_token, status=Job.Status.PROCESSING)
        due_at = now + JOB_TYPES[job.job_type].retry.wait(job.attempt_count)
        queued = {"status": Job.Status.QUEUED, "due_at": due_at, "updated_at": now}
        if not held.update(lease_token=None, lease_until=None, **queued):
            return False
        attempt_close(job=job, ending=ending)
    log.info("job_retried", outcome=str(ending.outcome), due_at=due_at.isoformat())
    return True


def job_settle(
    *, job: Job, results: Any | None = None, error: dict[str, str] | None = None, ending: Ending | None = None
) -> bool:
    """Complete (or, with `error`, fail) a job, announce it and schedule its callback, in one commit.

    Answers False, and changes nothing, when the lease is no longer the caller's: another worker has the
    job, or it was canceled. `ending` is the attempt's, where it says more.
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
        mine.save(update_fields=_SETTLED_FIELDS)
        failed = error or {"code": "", "message": ""}
        outcome = Outcome.FAILED if error else Outcome.COMPLETED
        attempt_close(
            job=mine, ending=ending or Ending(outcome, code=failed["code"], message=failed["message"])
        )
        _announce(mine)
        if mine.sla_due_at and mine.sla_due_at < mine.completed_at:
            breach_flag(job=mine)
    log.info("job_settled", status=str(mine.status), error=error and error["code"])
    return True


def attempt_close(*, job: Job, ending: Ending) -> None:
    """Write what came of the job's present attempt, in the caller's transaction; once."""
    now = timezone.now()
    running = JobAttempt.objects.filter(job_id=job.id, number=job.attempt_count, outcome=Outcome.RUNNING)
    running.update(
        outcome=ending.outcome,
        ended_at=now,
        updated_at=now,
        error_code=ending.code[:60],
        error_message=(ending.detail or ending.message).replace("\x00", "")[:500],
        peak_memory_bytes=ending.peak_memory_bytes,
        cpu_s=ending.cpu_s,
    )


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
