"""Which job a worker takes next: organizations in turn, so that nobody's thousands hold another's first."""

import os
import socket
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction

from config import tenancy
from jobs.endings import Ending, Outcome
from jobs.models import Job, JobAttempt
from jobs.registry import JOB_TYPES
from jobs.services.settling import attempt_close, job_settle

# A worker that misses four beats is dead; the sweep then frees its job within another five seconds.
LEASE = timedelta(seconds=20)
_NOBODY = UUID(int=0)

# The organization each queue served last in this process; another process starts somewhere else.
_served: dict[str, UUID] = {}

# A lane is an organization's part of a queue. Lanes are hopped along the index of unsettled jobs, one step a
# lane and only until one has a job to give: the cost does not grow with what waits in them.
_NEXT = """
WITH RECURSIVE lane AS (
    (SELECT organization_id FROM async_jobs
     WHERE queue = %(queue)s AND status IN ('queued', 'processing') AND organization_id > %(after)s
     ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT following.organization_id FROM lane CROSS JOIN LATERAL (
        SELECT organization_id FROM async_jobs
        WHERE queue = %(queue)s AND status IN ('queued', 'processing')
          AND organization_id > lane.organization_id
        ORDER BY organization_id LIMIT 1
    ) following
)
SELECT due.* FROM lane CROSS JOIN LATERAL (
    SELECT * FROM async_jobs j
    WHERE j.queue = %(queue)s AND j.organization_id = lane.organization_id
      AND j.status IN ('queued', 'processing') AND j.due_at <= %(now)s
      AND (j.status = 'queued' OR j.lease_until < %(now)s) AND j.job_type = ANY(%(types)s)
    ORDER BY j.due_at LIMIT 1 FOR UPDATE SKIP LOCKED
) due
LIMIT 1
"""

# Statistics lag behind a table that fills and empties within seconds: the index gives the order.
_BY_INDEX = """
SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_sort', 'off', true)
"""


def worker_name() -> str:
    """This process, as attempts name it."""
    return f"{socket.gethostname()[:100]}:{os.getpid()}"


def job_claim(*, queue: str, now: datetime) -> Job | None:
    """Lease the next due job to the caller and open its attempt; no two callers get the same one.

    A job whose attempts are used up (its workers died on it) is failed instead.
    """
    while True:
        with tenancy.operator():
            job = _next(queue, now)
            if job is None:
                return None
            _served[queue] = job.organization_id
            if job.status == Job.Status.PROCESSING:
                attempt_close(job=job, ending=Ending(Outcome.WORKER_LOST))
            exhausted = job.attempt_count >= job.max_attempts
            job.lease_token, job.lease_until = uuid4(), now + LEASE
            job.status = Job.Status.PROCESSING
            if not exhausted:
                job.attempt_count += 1
                job.started_at = job.started_at or now
                _attempt_open(job, now)
            Job.objects.filter(id=job.id).update(
                lease_token=job.lease_token,
                lease_until=job.lease_until,
                attempt_count=job.attempt_count,
                started_at=job.started_at,
                status=job.status,
                updated_at=now,
            )
        if not exhausted:
            return job
        message = f"The worker died {job.max_attempts} times while it worked on this job."
        job_settle(job=job, error={"code": "attempts_exhausted", "message": message})


@transaction.atomic
def _next(queue: str, now: datetime) -> Job | None:
    """The next due job, locked: of the first organization behind the one served last, and round again."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
    after = _served.setdefault(queue, uuid4())
    given = {"queue": queue, "now": now, "types": list(JOB_TYPES)}
    for place in (after, _NOBODY):
        for job in Job.objects.raw(_NEXT, given | {"after": place}):
            return job
    return None


def _attempt_open(job: Job, now: datetime) -> None:
    JobAttempt.objects.create(
        organization_id=job.organization_id,
        environment=job.environment,
        job_id=job.id,
        number=job.attempt_count,
        worker=worker_name(),
        started_at=now,
    )
