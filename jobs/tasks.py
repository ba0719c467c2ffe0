"""Celery's side of the job engine. Messages name no job: the row is the job, a message only wakes."""

from celery import shared_task

from jobs import call_analysis as _call_analysis  # registers its job type
from jobs.services import runner

__all__ = ["_call_analysis"]


@shared_task(name="jobs.run")
def run() -> None:
    """Work on the next due job of the queue "default"."""
    runner.job_work(queue="default")


@shared_task(name="jobs.run_analysis")
def run_analysis() -> None:
    """Work on the next due job of the queue "analysis", which has its own worker."""
    runner.job_work(queue="analysis")


@shared_task(name="jobs.sweep")
def sweep() -> None:
    """Wake workers for due jobs that no message speaks of. Two sweeps at once do no harm."""
    runner.jobs_sweep()
