"""Reads of jobs."""

from django.db.models.fields.json import KT

from jobs.models import Job

# Enough to know what goes wrong, and quick however many have failed.
_LATELY = 2_000


def error_codes() -> list[str]:
    """The codes that jobs failed for good with lately, for choosing among."""
    failed = Job.objects.filter(status=Job.Status.FAILED).order_by("-completed_at", "-id")
    return sorted({code for code in failed.values_list(KT("error__code"), flat=True)[:_LATELY] if code})
