"""What operators do to jobs by hand, audited: cancel, and run again."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config.api.queue import enqueue_once
from jobs.endings import Ending, Outcome
from jobs.models import Job
from jobs.registry import JOB_TYPES
from jobs.services.queueing import task_of
from jobs.services.settling import attempt_close
from partners.services.audit import Actor, audit_record

_UNSETTLED = (Job.Status.QUEUED, Job.Status.PROCESSING)


@transaction.atomic
def job_cancel(*, job_id: UUID, actor: Actor) -> Job:
    """Cancel a job that is not settled; canceling a settled one changes nothing.

    A running attempt stops at its next progress report, or is killed within seconds where its type has
    limits. Raises Job.DoesNotExist (404).
    """
    job = Job.objects.select_for_update(of=("self",)).get(id=job_id)
    if job.status not in _UNSETTLED:
        return job
    _audit(job, actor, "job.cancel", Job.Status.CANCELED)
    attempt_close(job=job, ending=Ending(Outcome.CANCELED))
    job.status, job.completed_at = Job.Status.CANCELED, timezone.now()
    job.lease_token = job.lease_until = None
    job.save(update_fields=["status", "completed_at", "lease_token", "lease_until", "updated_at"])
    return job


@transaction.atomic
def job_rerun(*, job_id: UUID, actor: Actor) -> Job:
    """Queue a failed job again with as many attempts more; a job in any other state stays as it is.

    Raises Job.DoesNotExist (404).
    """
    job = Job.objects.select_for_update(of=("self",)).get(id=job_id)
    if job.status != Job.Status.FAILED:
        return job
    _audit(job, actor, "job.rerun", Job.Status.QUEUED)
    kind = JOB_TYPES.get(job.job_type)
    job.max_attempts = job.attempt_count + (kind.max_attempts if kind else 1)
    job.status, job.error, job.completed_at = Job.Status.QUEUED, None, None
    job.progress, job.stage, job.due_at = 0, "", timezone.now()
    job.save()
    enqueue_once(task_of(job.queue))
    return job


def _audit(job: Job, actor: Actor, action: str, status: str) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=job,
        organization_id=job.organization_id,
        before={"status": str(job.status), "error": job.error},
        after={"status": str(status), "error": None},
    )
