"""Queueing a job, and waking workers for what waits."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config import tenancy
from config.api.queue import enqueue, enqueue_once
from jobs.models import Call, Job
from jobs.registry import JOB_TYPES

# A job that fell due so lately has its own message under way.
_OWN_MESSAGE = timedelta(seconds=5)
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
    """Queue a job; a worker is woken once the caller's transaction commits.

    Raises ValidationFailed (400) for parameters its type refuses.
    """
    kind = JOB_TYPES[job_type]
    params = params or {}
    kind.params_read(params)
    now = timezone.now()
    job = Job.objects.create(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        job_type=kind.name,
        queue=kind.queue,
        params=params,
        call=call,
        webhook_url=webhook_url,
        max_attempts=kind.max_attempts,
        created_at=now,
        due_at=now,
        sla_due_at=now + timedelta(seconds=kind.sla_s) if kind.sla_s is not None else None,
    )
    enqueue_once(task_of(kind.queue))
    return job


def task_of(queue: str) -> str:
    """The Celery task that works on a queue."""
    return "jobs.run_analysis" if queue == "analysis" else "jobs.run"


def jobs_sweep() -> int:
    """Wake workers for due jobs whose messages were lost; answers how many it woke.

    Messages may be too many, never too few: a wake-up that finds nothing ends at once.
    """
    due = Job.objects.due(now=timezone.now() - _OWN_MESSAGE)
    woken = 0
    with tenancy.operator():
        for queue in {kind.queue for kind in JOB_TYPES.values()}:
            wakes = len(due.filter(queue=queue).values_list("id")[:_WAKES_A_SWEEP])
            for _ in range(wakes):
                enqueue(task_of(queue))
            woken += wakes
    return woken
