"""One step of the job engine at a time."""

from datetime import datetime

from django.utils import timezone

from jobs.models import Job
from jobs.services.claims import jobs_claim
from jobs.services.lots import Lot
from jobs.services.runner import lot_work


def job_claim(*, queue: str, now: datetime) -> Job | None:
    """Take the next due job, as a worker does that then does nothing."""
    return next(iter(jobs_claim(queue=queue, now=now)), None)


def job_work(*, queue: str) -> bool:
    """Take the next due job and run it to its end; False when none is due."""
    job = job_claim(queue=queue, now=timezone.now())
    return job is not None and bool(lot_work(Lot([job])))
