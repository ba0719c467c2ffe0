"""How jobs' attempts and the jobs themselves end: in one commit with what is announced of them."""

from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DataError, InterfaceError, OperationalError, connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from config import tenancy
from jobs.endings import Ending, Outcome, unexpected
from jobs.events import JOB_COMPLETED, JOB_FAILED
from jobs.models import Job, JobAttempt
from jobs.registry import JOB_TYPES
from jobs.services.promises import breach_flag
from webhooks.services import callback_schedule, events_emit

log = structlog.get_logger(__name__)

Ended = tuple[Job, Ending]

# No attempt waits longer, whatever another machine asks for.
_MAX_WAIT_S = 86_400

# Who lost the lease settles nothing: another worker has the job, or it was canceled.
_SETTLE = """
WITH ended AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(tokens)s::uuid[], %(statuses)s::text[], %(results)s::jsonb[], %(errors)s::jsonb[],
        %(outcomes)s::text[], %(codes)s::text[], %(details)s::text[], %(memory)s::bigint[], %(cpu)s::float8[]
    ) AS ended (id, token, status, results, error, outcome, code, detail, memory, cpu)
), settled AS (
    UPDATE async_jobs j
    SET status = ended.status, results = ended.results, error = ended.error,
        progress = CASE ended.status WHEN 'completed' THEN 100 ELSE j.progress END, completed_at = %(now)s,
        lease_token = NULL, lease_until = NULL, updated_at = %(now)s
    FROM ended
    WHERE j.id = ended.id AND j.lease_token = ended.token AND j.status = 'processing'
    RETURNING j.id, j.attempt_count, j.stage, j.progress, ended.outcome, ended.code, ended.detail,
        ended.memory, ended.cpu
), closed AS (
    UPDATE jobs_jobattempt a
    SET outcome = settled.outcome, ended_at = %(now)s, updated_at = %(now)s, error_code = settled.code,
        error_message = settled.detail, peak_memory_bytes = settled.memory, cpu_s = settled.cpu
    FROM settled
    WHERE a.job_id = settled.id AND a.number = settled.attempt_count AND a.outcome = 'running'
)
SELECT id, stage, progress FROM settled
"""


def jobs_end(ended: Sequence[Ended]) -> None:
    """Settle jobs by what came of their attempts, or queue them for another one, in as few commits as go.

    However a run ended, the row says so afterwards, unless it is another's to write: of an attempt that was
    canceled, or that another worker took over.
    """
    final = []
    for job, ending in ended:
        if ending.outcome == Outcome.CANCELED:
            log.info("job_stopped", job_id=str(job.id))
        elif ending.is_repeatable and job.attempt_count < job.max_attempts:
            _queue_again(job, ending)
        else:
            final.append((job, ending))
    try:
        _settle(final)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(final) > 1:
            log.exception("jobs_settled_one_by_one")
            _end_each(final)
        elif isinstance(
            error, TypeError | ValueError | DataError
        ):  # results that are no JSON PostgreSQL keeps
            log.exception("job_results_refused", job_id=str(final[0][0].id))
            jobs_end([(final[0][0], unexpected(error))])
        else:
            raise


def _end_each(ended: Sequence[Ended]) -> None:
    """End jobs in a commit each, so that one that cannot be settled leaves the others be."""
    for one in ended:
        try:
            jobs_end([one])
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("job_not_settled", job_id=str(one[0].id))


def job_settle(*, job: Job, results: Any | None = None, error: dict[str, str] | None = None) -> bool:
    """Complete (or, with `error`, fail) a job, announce it and schedule its callback, in one commit.

    Answers False, and changes nothing, when the lease is no longer the caller's.
    """
    if error:
        return bool(_settle([(job, Ending(Outcome.FAILED, code=error["code"], message=error["message"]))]))
    return bool(_settle([(job, Ending(Outcome.COMPLETED, results=results))]))


def attempt_close(*, job: Job, ending: Ending) -> None:
    """Write what came of the job's present attempt, in the caller's transaction; once."""
    now = timezone.now()
    running = JobAttempt.objects.filter(job_id=job.id, number=job.attempt_count, outcome=Outcome.RUNNING)
    running.update(
        outcome=ending.outcome,
        ended_at=now,
        updated_at=now,
        error_code=ending.code[:60],
        error_message=_detail(ending),
        peak_memory_bytes=ending.peak_memory_bytes,
        cpu_s=ending.cpu_s,
    )


def _detail(ending: Ending) -> str:
    return (ending.detail or ending.message).replace("\x00", "")[:500]


def _queue_again(job: Job, ending: Ending) -> None:
    now = timezone.now()
    with tenancy.operator():
        held = Job.objects.filter(id=job.id, lease_token=job.lease_token, status=Job.Status.PROCESSING)
        wait = JOB_TYPES[job.job_type].retry.wait(job.attempt_count)
        due_at = now + max(wait, timedelta(seconds=min(ending.wait_s, _MAX_WAIT_S)))
        queued = {"status": Job.Status.QUEUED, "due_at": due_at, "updated_at": now}
        if not held.update(lease_token=None, lease_until=None, **queued):
            return
        attempt_close(job=job, ending=ending)
    log.info("job_retried", job_id=str(job.id), outcome=str(ending.outcome), due_at=due_at.isoformat())


def _settle(ended: Sequence[Ended]) -> int:
    """Write and announce the ends of those whose lease is still the caller's, in one commit; how many."""
    if not ended:
        return 0
    now = timezone.now()
    with tenancy.operator():
        with connection.cursor() as cursor:
            cursor.execute(_SETTLE, _columns(ended) | {"now": now})
            ours = {job_id: (stage, progress) for job_id, stage, progress in cursor.fetchall()}
        settled = [_settled(job, ending, now, *ours[job.id]) for job, ending in ended if job.id in ours]
        announced = [job for job in settled if JOB_TYPES[job.job_type].is_announced]
        events_emit([(JOB_FAILED if job.error else JOB_COMPLETED, job) for job in announced])
        for job in settled:
            if settled_hook := JOB_TYPES[job.job_type].settled:
                settled_hook(job)
            if job.webhook_url:
                _call_back(job)
            if job.sla_due_at and job.sla_due_at < now:
                breach_flag(job=job)
    for job in settled:
        log.info(
            "job_settled",
            job_id=str(job.id),
            job_type=job.job_type,
            attempt=job.attempt_count,
            status=str(job.status),
            error=job.error and job.error["code"],
        )
    return len(settled)


def _settled(job: Job, ending: Ending, now: datetime, stage: str, progress: int) -> Job:
    """The job as its row now is; the caller's stays, should the commit fail."""
    settled = copy(job)
    settled.status, settled.results, settled.error = _result(ending)
    settled.stage, settled.progress, settled.completed_at = stage, progress, now
    settled.lease_token = settled.lease_until = None
    return settled


def _result(ending: Ending) -> tuple[Job.Status, Any, dict[str, str] | None]:
    if ending.outcome == Outcome.COMPLETED:
        return Job.Status.COMPLETED, ending.results, None
    return Job.Status.FAILED, None, {"code": ending.code, "message": ending.message}


def _columns(ended: Sequence[Ended]) -> dict[str, list[Any]]:
    found = [_result(ending) for _, ending in ended]
    endings = [ending for _, ending in ended]
    return {
        "ids": [job.id for job, _ in ended],
        "tokens": [job.lease_token for job, _ in ended],
        "statuses": [str(status) for status, _, _ in found],
        "results": [None if results is None else Jsonb(results) for _, results, _ in found],
        "errors": [None if error is None else Jsonb(error) for _, _, error in found],
        "outcomes": [str(ending.outcome) for ending in endings],
        "codes": [ending.code[:60] for ending in endings],
        "details": [_detail(ending) for ending in endings],
        "memory": [ending.peak_memory_bytes for ending in endings],
        "cpu": [ending.cpu_s for ending in endings],
    }


def _call_back(job: Job) -> None:
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
