"""What job types promise (`sla_s`): seen to be missed once, whether the job ends late or not at all."""

from uuid import UUID

import structlog
from django.utils import timezone

from config import tenancy
from jobs.models import Job
from jobs.registry import JOB_TYPES

log = structlog.get_logger(__name__)

_A_SWEEP = 500


def breach_flag(*, job: Job) -> None:
    """Write that a job's promise is missed, and tell its type, in the caller's transaction; once."""
    now = timezone.now()
    unseen = Job.objects.filter(id=job.id, sla_breached_at=None)
    if not unseen.update(sla_breached_at=now, updated_at=now):
        return
    job.sla_breached_at = now
    log.warning("job_sla_breached", job_id=str(job.id), job_type=job.job_type)
    kind = JOB_TYPES[job.job_type]
    if kind.breached:
        kind.breached(job)


def breaches_sweep() -> int:
    """Flag unsettled jobs that are late; answers how many. Two sweeps at once flag each once."""
    now = timezone.now()
    with tenancy.operator():
        late = list(
            Job.objects.filter(
                status__in=(Job.Status.QUEUED, Job.Status.PROCESSING),
                sla_breached_at=None,
                sla_due_at__lt=now,
                job_type__in=JOB_TYPES,
            )
            .order_by("sla_due_at")
            .values_list("id", flat=True)[:_A_SWEEP]
        )
    flagged = 0
    for job_id in late:
        try:
            flagged += _breach_of(job_id)
        except Exception:  # one type's callback holds up no other job
            log.exception("job_breach_failed", job_id=str(job_id))
    return flagged


def _breach_of(job_id: UUID) -> bool:
    with tenancy.operator():
        job = (
            Job.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(id=job_id, status__in=(Job.Status.QUEUED, Job.Status.PROCESSING), sla_breached_at=None)
            .first()
        )
        if job is None:
            return False
        breach_flag(job=job)
    return True
