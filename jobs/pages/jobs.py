"""Dashboard pages of background jobs, for super-admins."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from jobs.models import Job
from jobs.registry import JOB_TYPES
from jobs.selectors import error_codes
from jobs.services.operations import job_cancel, job_rerun
from partners.pages import PAGE_SIZE, actor_of, super_admin_required
from webhooks.models import Delivery

_FILTERS = ("type", "status", "error", "sla")
_ATTEMPTS_SHOWN = 50


class _Change(NamedTuple):
    """What a person may do to jobs in these states."""

    apply: Callable[..., Job]
    of: tuple[str, ...]
    message: Promise


_CHANGES = {
    "rerun": _Change(job_rerun, (Job.Status.FAILED,), _("%(count)d jobs were queued again.")),
    "cancel": _Change(
        job_cancel, (Job.Status.QUEUED, Job.Status.PROCESSING), _("%(count)d jobs were canceled.")
    ),
}


@require_GET
@super_admin_required
def job_list(request: HttpRequest) -> HttpResponse:
    """Every job, newest first, by type, status, error code and missed promise."""
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:60] for name in _FILTERS}
    jobs = Job.objects.select_related("client", "organization").order_by("-created_at", "-id")
    if filters["status"] in Job.Status:
        jobs = jobs.filter(status=filters["status"])
    if filters["type"]:
        jobs = jobs.filter(job_type=filters["type"])
    if filters["error"]:
        jobs = jobs.with_error(filters["error"])
    if filters["sla"]:
        jobs = jobs.exclude(sla_breached_at=None)
    page = Paginator(jobs.defer("results"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "jobs": [job_row(job) for job in page],
        "filters": filters,
        "is_filtered": any(filters.values()),
        "page_obj": page,
        "statuses": Job.Status.choices,
        "types": sorted(JOB_TYPES),
        "error_codes": error_codes(),
    }
    return render(request, "dashboard/jobs.html", context)


@require_POST
@super_admin_required
def jobs_change(request: HttpRequest) -> HttpResponse:
    """Run the chosen jobs again, or cancel them; those that are past it stay as they are."""
    change = _CHANGES.get(request.POST.get("change", ""))
    ids = [one for one in map(_uuid, request.POST.getlist("job")[:PAGE_SIZE]) if one]
    if change is not None:
        changed = 0
        for job_id in Job.objects.filter(id__in=ids, status__in=change.of).values_list("id", flat=True):
            change.apply(job_id=job_id, actor=actor_of(request))
            changed += 1
        messages.success(request, change.message % {"count": changed})
    if len(ids) == 1 and request.POST.get("from") == "job":
        return redirect("dashboard-job-detail", pk=ids[0])
    return redirect("dashboard-jobs")


@require_GET
@super_admin_required
def job_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One job: its facts, the call as a conversation, the score, and its callbacks."""
    job = get_object_or_404(
        Job.objects.select_related("client", "organization", "call__company", "call__agent"), pk=pk
    )
    results: dict[str, Any] = job.results or {}
    context = {
        "job": job_row(job),
        "call": job.call,
        "results": results,
        "attempts": job.attempts.order_by("-number")[:_ATTEMPTS_SHOWN],
        "params": job.params,
        "segments": (results.get("transcript") or {}).get("segments", []),
        "deliveries": Delivery.objects.filter(async_job_id=job.pk).order_by("-created_at")[:20],
    }
    return render(request, "dashboard/job_detail.html", context)


def job_row(job: Job) -> dict[str, Any]:
    """A job as the pages show it."""
    return {
        "id": job.id,
        "type": job.job_type,
        "status": job.status,
        "stage": job.stage,
        "progress": job.progress,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
        "attempts": job.attempt_count,
        "max_attempts": job.max_attempts,
        "error": job.error,
        "error_code": (job.error or {}).get("code", ""),
        "partner": job.client.name if job.client else "",
        "organization": job.organization.name,
        "environment": job.environment,
        "webhook_url": job.webhook_url,
        "due_at": job.due_at,
        "sla_due_at": job.sla_due_at,
        "sla_breached_at": job.sla_breached_at,
        "may_cancel": job.status in _CHANGES["cancel"].of,
        "may_rerun": job.status in _CHANGES["rerun"].of,
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
