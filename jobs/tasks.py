"""Celery's side of the job engine. Messages name no job: the row is the job, a message only wakes."""

from celery import shared_task

from jobs import call_analysis as _call_analysis  # registers its job type
from jobs.services.promises import breaches_sweep
from jobs.services.queueing import jobs_sweep
from jobs.services.runner import jobs_work

__all__ = ["_call_analysis"]


@shared_task(name="jobs.run")
def run() -> None:
    """Work on due jobs of the queue "default"."""
    jobs_work(queue="default")


@shared_task(name="jobs.run_analysis")
def run_analysis() -> None:
    """Work on due jobs of the queue "analysis", which has its own worker."""
    jobs_work(queue="analysis")


@shared_task(name="jobs.sweep")
def sweep() -> None:
    """Wake workers for due jobs that no message speaks of, and flag late ones. Two at once do no harm."""
    jobs_sweep()
    breaches_sweep()
