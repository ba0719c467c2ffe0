"""Reads of jobs and calls."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KT

from jobs.models import Call, Job
from jobs.querysets import CallQuerySet

# Enough to know what goes wrong, and quick however many have failed.
_LATELY = 2_000


def error_codes() -> list[str]:
    """The codes that jobs failed for good with lately, for choosing among."""
    failed = Job.objects.filter(status=Job.Status.FAILED).order_by("-completed_at", "-id")
    return sorted({code for code in failed.values_list(KT("error__code"), flat=True)[:_LATELY] if code})


def call_search(*, q: str = "", type: str = "", status: str = "", environment: str = "") -> CallQuerySet:
    """Calls, newest first; `q` is an id or part of a company's or agent's name, `status` the newest job's."""
    calls: CallQuerySet = Call.objects.select_related("company", "agent", "organization")
    if q:
        try:
            found = Q(id=UUID(q)) | Q(jobs__id=UUID(q))
        except ValueError:
            found = Q(company__name__icontains=q) | Q(agent__name__icontains=q)
        calls = calls.filter(found)
    if type:
        calls = calls.filter(call_type=type)
    if environment:
        calls = calls.filter(environment=environment)
    if status:
        newest = Job.objects.filter(call=OuterRef("pk")).order_by("-created_at", "-id")
        calls = calls.annotate(state=Subquery(newest.values("status")[:1])).filter(state=status)
    return calls.order_by("-created_at", "-id")


def jobs_of_calls(call_ids: Iterable[UUID]) -> dict[UUID, Job]:
    """Each call's newest job, with `score` (text, or None) in place of its results."""
    newest: QuerySet[Job] = (
        Job.objects.filter(call_id__in=list(call_ids))
        .order_by("call_id", "-created_at", "-id")
        .distinct("call_id")
        .defer("results")
        .annotate(score=KT("results__overall_score"))
    )
    return {job.call_id: job for job in newest if job.call_id}


def recording_erased_on(call: Call) -> datetime | None:
    """When the call's recording will be erased (the clean-up of that hour); None where none is stored."""
    if not call.recording_name:
        return None
    days = call.organization.recording_retention_days
    return call.created_at + timedelta(days=settings.RECORDING_RETENTION_DAYS if days is None else days)
