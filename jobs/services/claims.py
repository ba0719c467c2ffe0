"""Which jobs a worker takes next: organizations in turn, so that nobody's thousands hold another's first."""

import os
import socket
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F
from django.db.models.functions import Coalesce
from psycopg.types.json import Jsonb

from config import tenancy
from config.api.queue import enqueue_once
from jobs.endings import Ending, Outcome
from jobs.models import Job, JobAttempt
from jobs.registry import JOB_TYPES
from jobs.services.queueing import task_of
from jobs.services.settling import attempt_close, job_settle

# A worker that misses four beats is dead; the sweep then frees its job within another five seconds.
LEASE = timedelta(seconds=20)

# The organization each queue served last in this process; another process starts somewhere else.
_served: dict[str, UUID] = {}

# A lane is an organization's part of a queue. Lanes are hopped along the index of unsettled jobs, one step a
# lane and only until enough jobs are found: the cost does not grow with what waits in them.
_LANES = """{name} AS (
    (SELECT organization_id FROM async_jobs
     WHERE queue = %(queue)s AND status IN ('queued', 'processing') {within}
     ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT following.organization_id FROM {name} CROSS JOIN LATERAL (
        SELECT organization_id FROM async_jobs
        WHERE queue = %(queue)s AND status IN ('queued', 'processing')
          AND organization_id > {name}.organization_id {within}
        ORDER BY organization_id LIMIT 1
    ) following
)"""
# How many jobs of a type an organization has under way.
_RUNNING = """
SELECT count(*) FROM async_jobs running
WHERE running.status = 'processing' AND running.organization_id = {organization}
  AND running.job_type = {job_type} AND running.lease_until >= %(now)s
"""
_NEXT = f"""
WITH RECURSIVE {_LANES.format(name="beyond", within="AND organization_id > %(after)s")},
{_LANES.format(name="round", within="AND organization_id <= %(after)s")}
SELECT due.* FROM (SELECT * FROM beyond UNION ALL SELECT * FROM round) lane
CROSS JOIN LATERAL (
    SELECT ARRAY(
        SELECT known FROM unnest(%(types)s::text[]) known WHERE CASE WHEN %(caps)s::jsonb ? known
        THEN ({_RUNNING.format(organization="lane.organization_id", job_type="known")})
            < (%(caps)s::jsonb ->> known)::int
        ELSE true END
    ) AS types
) open
CROSS JOIN LATERAL (
    SELECT * FROM async_jobs j
    WHERE j.queue = %(queue)s AND j.organization_id = lane.organization_id AND open.types <> '{{}}'
      AND j.status IN ('queued', 'processing') AND j.due_at <= %(now)s
      AND (j.status = 'queued' OR j.lease_until < %(now)s) AND j.job_type = ANY(open.types)
    ORDER BY j.due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
) due
LIMIT %(most)s
"""  # noqa: S608 (ours)

# Statistics lag behind a table that fills and empties within seconds: the index gives the order.
_BY_INDEX = """
SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_sort', 'off', true)
"""


def worker_name() -> str:
    """This process, as attempts name it."""
    return f"{socket.gethostname()[:100]}:{os.getpid()}"


def jobs_claim(*, queue: str, now: datetime, quick: Collection[str] = (), at_most: int = 1) -> list[Job]:
    """Lease the next due job to the caller and open its attempt; no two callers get the same one.

    Where it and those due behind it are of `quick` types and were never tried before, up to `at_most` are
    leased together. A job whose attempts are used up (its workers died on it) is failed instead.
    """
    while True:
        with tenancy.operator():
            found = _next(queue, now, at_most)
            if not found:
                return []
            _served[queue] = found[0].organization_id
            if not _is_open(found[0], now):
                continue
            lost = found[0].status == Job.Status.PROCESSING
            exhausted = found[0].attempt_count >= found[0].max_attempts
            if lost:
                attempt_close(job=found[0], ending=Ending(Outcome.WORKER_LOST))
            jobs = found[:1] if lost or exhausted else _together(found, quick)
            _served[queue] = jobs[-1].organization_id
            _lease(jobs, now, attempts=0 if exhausted else 1)
        if not exhausted:
            return jobs
        message = f"The worker died {jobs[0].max_attempts} times while it worked on this job."
        job_settle(job=jobs[0], error={"code": "attempts_exhausted", "message": message})


def jobs_give_back(jobs: Sequence[Job]) -> None:
    """Queue jobs again that were leased together with one that takes long, as if they had not been taken."""
    with tenancy.operator():
        held = Job.objects.select_for_update(of=("self",)).filter(
            id__in=[job.id for job in jobs], lease_token=jobs[0].lease_token, status=Job.Status.PROCESSING
        )
        ids = list(held.values_list("id", flat=True))
        JobAttempt.objects.filter(job_id__in=ids, number=1, outcome=Outcome.RUNNING).delete()
        Job.objects.filter(id__in=ids).update(
            status=Job.Status.QUEUED, attempt_count=0, started_at=None, lease_token=None, lease_until=None
        )
        enqueue_once(task_of(jobs[0].queue))


def _next(queue: str, now: datetime, most: int) -> list[Job]:
    """Due jobs, locked: of the first organization behind the one served last, and round again."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
    given = {
        "queue": queue,
        "now": now,
        "types": list(JOB_TYPES),
        "caps": Jsonb(
            {
                kind.name: kind.concurrency_per_organization
                for kind in JOB_TYPES.values()
                if kind.concurrency_per_organization is not None
            }
        ),
        "after": _served.get(queue) or uuid4(),
        "most": most,
    }
    return list(Job.objects.raw(_NEXT, given))


def _is_open(job: Job, now: datetime) -> bool:
    """Whether the job's organization still has fewer under way than its type allows.

    Two claims at once may both have found room for one: they ask again one after the other.
    """
    cap = JOB_TYPES[job.job_type].concurrency_per_organization
    if cap is None:
        return True
    given: dict[str, Any] = {"organization": job.organization_id, "job_type": job.job_type, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%(job_type)s, hashtext(%(organization)s::text)))",
            given,
        )
        cursor.execute(_RUNNING.format(organization="%(organization)s", job_type="%(job_type)s"), given)
        return int(cursor.fetchone()[0]) < cap


def _together(found: list[Job], quick: Collection[str]) -> list[Job]:
    """The first job, and with it those behind it as long as all are quick.

    A worker that dies takes an attempt of each of them, so only such may share a fate that have another.
    """
    together = 0
    while together < len(found):
        job = found[together]
        if job.job_type not in quick or job.attempt_count or job.max_attempts < 2:
            break
        together += 1
    return found[: max(1, together)]


def _lease(jobs: list[Job], now: datetime, *, attempts: int) -> None:
    token, until = uuid4(), now + LEASE
    Job.objects.filter(id__in=[job.id for job in jobs]).update(
        lease_token=token,
        lease_until=until,
        attempt_count=F("attempt_count") + attempts,
        started_at=Coalesce("started_at", now) if attempts else F("started_at"),
        status=Job.Status.PROCESSING,
        updated_at=now,
    )
    for job in jobs:
        job.lease_token, job.lease_until, job.status = token, until, Job.Status.PROCESSING
        if attempts:
            job.attempt_count += 1
            job.started_at = job.started_at or now
    if attempts:
        worker = worker_name()
        JobAttempt.objects.bulk_create(
            JobAttempt(
                organization_id=job.organization_id,
                environment=job.environment,
                job_id=job.id,
                number=job.attempt_count,
                worker=worker,
                started_at=now,
            )
            for job in jobs
        )
