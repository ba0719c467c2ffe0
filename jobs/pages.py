"""Dashboard pages of jobs and analysed calls."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from jobs.models import Job
from partners.pages import PAGE_SIZE, super_admin_required
from webhooks.models import Delivery


@require_GET
@super_admin_required
def job_list(request: HttpRequest) -> HttpResponse:
    """Every job, newest first, by status and type."""
    filters = {name: request.GET.get(name, "").strip()[:60] for name in ("status", "type")}
    jobs = Job.objects.select_related("client", "organization").order_by("-created_at", "-id")
    if filters["status"] in Job.Status:
        jobs = jobs.filter(status=filters["status"])
    if filters["type"]:
        jobs = jobs.filter(job_type=filters["type"])
    page = Paginator(jobs.defer("results"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "jobs": [job_row(job) for job in page],
        "filters": filters,
        "page_obj": page,
        "statuses": Job.Status.choices,
    }
    return render(request, "dashboard/jobs.html", context)


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
    }
