"""Celery's side of the pipeline."""

from celery import shared_task
from django.utils import timezone

from pipeline import export_job as _export_job  # registers its job type
from pipeline.services.assignments import assignments_time_out
from pipeline.services.exports import exports_remove
from pipeline.services.policies import policies_expire
from pipeline.services.proposals import proposals_expire
from pipeline.services.quotes import quotes_expire

__all__ = ["_export_job"]


@shared_task(name="pipeline.sweep")
def sweep() -> None:
    """Do what time does:

    offers go on to the next agent; quotes, proposals and policies end. Two do no harm.
    """
    assignments_time_out()
    quotes_expire()
    proposals_expire()
    policies_expire()


@shared_task(name="pipeline.remove_exports")
def remove_exports() -> None:
    """Remove files past their time. Two at once do no harm."""
    exports_remove(now=timezone.now())
