"""Dashboard pages of recorded calls: found, sent in, followed, canceled, their recordings erased."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.tenancy import Environment
from jobs.analysis.phrases import CALL_TYPES
from jobs.documents.answers import DOCUMENTS, document
from jobs.forms import CallForm
from jobs.models import Call, Checklist, Job
from jobs.selectors import call_search, jobs_of_calls, recording_erased_on
from jobs.services.checklists import call_reanalyse
from jobs.services.operations import job_cancel, job_rerun
from jobs.services.recordings import recording_erase
from jobs.services.uploads import call_upload
from jobs.uploads import RecordingUploadHandler
from partners.models import GOVERNORS, READERS, Company
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from webhooks.models import Delivery

_FILTERS = ("q", "type", "status", "environment")
_UNSETTLED = (Job.Status.QUEUED, Job.Status.PROCESSING)


@require_GET
@reached(*READERS)
def call_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's calls, newest first: by company, agent or id, by type, status and environment."""
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _FILTERS}
    calls = call_search(**filters)
    if reach.organization:
        calls = calls.for_organization(reach.organization.id)
    page = Paginator(calls, PAGE_SIZE).get_page(request.GET.get("page"))
    jobs = jobs_of_calls([call.id for call in page])
    context = {
        "calls": [(call, jobs.get(call.id)) for call in page],
        "page_obj": page,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": Job.Status.choices,
        "types": _types(reach),
        "environments": Environment.choices,
        "reach": reach,
        "tab": "calls",
    }
    return render(request, "dashboard/calls/list.html", context)


@csrf_exempt
@require_http_methods(["GET", "POST"])
@login_required
def call_new(request: HttpRequest) -> HttpResponse:
    """The form that sends a recording in.

    The body is read (for the CSRF token) before a transaction is open, which a slow upload would hold.
    """
    request.upload_handlers = [RecordingUploadHandler(request)]
    return _call_new(request)


@csrf_protect
@reached(*GOVERNORS)
def _call_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    companies = Company.objects.select_related("organization").order_by("name", "environment", "id")
    if reach.organization:
        companies = companies.for_organization(reach.organization.id)
    # GET takes values, too: choosing a company asks for its agents
    given = {name: value for name, value in request.GET.items() if name in ("company", "agent", "call_type")}
    sent = {"data": request.POST, "files": request.FILES} if request.method == "POST" else {"initial": given}
    form = CallForm(**sent, companies=companies, with_organization=reach.is_everywhere)
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        job = call_upload(
            company=data["company"],
            agent_id=data["agent"].id if data["agent"] else None,
            call_type=data["call_type"],
            content=data["recording"],
            actor=actor_of(request),
        )
        messages.success(request, _("The recording is stored and waits for its analysis."))
        return redirect("dashboard-call", pk=job.call_id)
    context = {"form": form, "types": _types(reach), "has_companies": companies.exists()}
    return render(request, "dashboard/calls/form.html", context, status=422 if form.is_bound else 200)


@require_GET
@reached(*READERS)
def call_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One call: how far its analysis is, what it found, and what is kept of the recording."""
    call = get_object_or_404(Call.objects.select_related("organization", "company", "agent", "client"), pk=pk)
    jobs = list(call.jobs.order_by("-created_at", "-id")[:20])
    job = jobs[0] if jobs else None
    results: dict[str, Any] = (job.results if job else None) or {}
    is_open = job is not None and job.status in _UNSETTLED
    context = {
        "call": call,
        "job": job,
        "earlier": jobs[1:],
        "results": results,
        "segments": (results.get("transcript") or {}).get("segments", []),
        "deliveries": Delivery.objects.filter(async_job_id__in=[one.pk for one in jobs]).order_by(
            "-created_at"
        )[:20],
        "is_open": is_open,
        "is_erasable": call.recording_erased_at is None,
        "is_repeatable": bool(job and job.status == Job.Status.FAILED and not call.recording_erased_at),
        "erased_on": recording_erased_on(call),
        "reach": reach,
    }
    return render(request, "dashboard/calls/detail.html", context)


@require_GET
@reached(*READERS)
def call_document(request: HttpRequest, reach: Reach, pk: UUID, job_id: UUID, kind: str) -> HttpResponse:
    """The results of an analysis as a file: a report to read (`html`), or subtitles (`srt`, `vtt`)."""
    analyses = Job.objects.select_related("call__company", "call__agent").filter(call_id=pk)
    job = get_object_or_404(analyses, id=job_id, status=Job.Status.COMPLETED)
    if kind not in DOCUMENTS:
        raise Http404
    return document(job, kind)


def _types(reach: Reach) -> list[str]:
    own = Checklist.objects.all()
    if reach.organization:
        own = own.for_organization(reach.organization.id)
    return sorted({*CALL_TYPES, *own.values_list("call_type", flat=True)[:200]})


@require_POST
@reached(*GOVERNORS)
def call_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Cancel what waits or runs (`cancel`), repeat what failed (`rerun`), judge by the present checklist
    (`judge`), erase the recording (`erase`)."""
    call = get_object_or_404(Call.objects.only("id"), pk=pk)
    change = request.POST.get("change", "")
    actor = actor_of(request)
    if change == "erase":
        recording_erase(call_id=call.pk, actor=actor)
        messages.success(request, _("The recording is erased."))
    elif change == "cancel":
        for job_id in call.jobs.filter(status__in=_UNSETTLED).values_list("id", flat=True):
            job_cancel(job_id=job_id, actor=actor)
        messages.success(request, _("The analysis is canceled."))
    elif change == "judge":
        job = call_reanalyse(call=get_object_or_404(Call, pk=pk), actor=actor)
        if job is None:
            messages.error(request, _("There is no finished analysis to go on from."))
        else:
            messages.success(request, _("The call is judged again."))
    elif change == "rerun":
        newest = call.jobs.order_by("-created_at", "-id").first()
        if newest is not None:
            job_rerun(job_id=newest.pk, actor=actor)
            messages.success(request, _("The analysis was queued again."))
    return redirect("dashboard-call", pk=pk)
