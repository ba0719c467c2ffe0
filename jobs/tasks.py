"""Celery's side of the job engine. Messages name no job: the row is the job, a message only wakes."""

from celery import shared_task
from django.utils import timezone

from config.api.queue import enqueue
from jobs import call_analysis as _call_analysis  # registers its job type
from jobs.services.promises import breaches_sweep
from jobs.services.queueing import jobs_sweep
from jobs.services.recordings import orphans_sweep, recordings_expire
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


@shared_task(name="jobs.expire_recordings")
def expire_recordings() -> None:
    """Erase recordings past their retention, a batch a message. Two at once share the work."""
    if recordings_expire(now=timezone.now()):
        enqueue("jobs.expire_recordings")


@shared_task(name="jobs.sweep_recordings")
def sweep_recordings() -> None:
    """Delete sealed files that no call owns: what a failed commit left. Two at once do no harm."""
    orphans_sweep(now=timezone.now())
