"""Dashboard pages of imports: a file is uploaded, looked at, taken in; its refused rows are fetched."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from jobs.models import Job
from jobs.uploads import RecordingUploadHandler
from leads.csv_files import MAX_BYTES, UnreadableFile, csv_lines
from leads.forms import ColumnsForm, FileForm
from leads.models import LeadImport
from leads.selectors import first_rows, refused_rows
from leads.services.imports import (
    import_cancel,
    import_discard,
    import_map,
    import_resume,
    import_start,
    import_upload,
    rows_judge,
)
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached

_UNSETTLED = (Job.Status.QUEUED, Job.Status.PROCESSING)
_SHOWN = 20


class CsvUploadHandler(RecordingUploadHandler):
    """Takes one file of at most 10 MB, in memory."""

    max_bytes = MAX_BYTES


@csrf_exempt
@require_http_methods(["GET", "POST"])
@login_required
def import_list(request: HttpRequest) -> HttpResponse:
    """The form that uploads a file, and the latest imports.

    The body is read (for the CSRF token) before a transaction is open, which a slow upload would hold.
    """
    request.upload_handlers = [CsvUploadHandler(request)]
    return _import_list(request)


@csrf_protect
@reached(*READERS)
def _import_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    may_upload = reach.may_govern and reach.organization is not None
    form = FileForm(request.POST or None, request.FILES or None, initial={"environment": "production"})
    if request.method == "POST":
        if not may_upload or reach.organization is None:
            raise Http404
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                made = import_upload(
                    organization_id=reach.organization.id,
                    environment=form.cleaned_data["environment"],
                    file_name=file.name,
                    content=file.read(),
                    actor=actor_of(request),
                )
            except UnreadableFile as error:
                form.add_error("file", str(error))
            else:
                return redirect("dashboard-lead-import", pk=made.id)
    imports = LeadImport.objects.select_related("job", "organization").defer("content").exclude(job=None)
    if reach.organization:
        imports = imports.for_organization(reach.organization.id)
    context = {
        "form": form,
        "may_upload": may_upload,
        "imports": imports.order_by("-created_at", "-id")[:_SHOWN],
        "reach": reach,
        "tab": "imports",
    }
    return render(request, "dashboard/leads/imports.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*READERS)
def import_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A file before it is taken in (its first rows, and which column is what), or how far its job is."""
    found = get_object_or_404(LeadImport.objects.select_related("organization", "job"), pk=pk)
    if found.job is not None:
        return _progress(request, reach, found)
    if not reach.may_govern:
        raise Http404
    form = ColumnsForm(
        request.POST or None,
        header=found.header,
        initial=found.columns | {"keeps_others": found.keeps_others},
    )
    if request.method == "POST" and form.is_valid():
        try:
            import_map(import_id=pk, columns=form.columns(), keeps_others=form.cleaned_data["keeps_others"])
            if request.POST.get("start"):
                import_start(import_id=pk, actor=actor_of(request))
        except DomainError as refusal:
            messages.error(request, refusal.message)
        return redirect("dashboard-lead-import", pk=pk)
    return _preview(request, found, form)


@require_POST
@reached(*GOVERNORS)
def import_discard_page(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Forget a file that was not started."""
    get_object_or_404(LeadImport.objects.only("id"), pk=pk)
    try:
        import_discard(import_id=pk)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The file is gone."))
    return redirect("dashboard-lead-imports")


@require_POST
@reached(*GOVERNORS)
def import_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Stop an import (`cancel`), or go on with one that failed (`rerun`)."""
    get_object_or_404(LeadImport.objects.only("id"), pk=pk)
    change = {"cancel": import_cancel, "rerun": import_resume}.get(request.POST.get("change", ""))
    if change is not None:
        change(import_id=pk, actor=actor_of(request))
    return redirect("dashboard-lead-import", pk=pk)


@require_GET
@reached(*READERS)
def import_refused(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The refused rows as a CSV file that can be mended and imported again."""
    found = get_object_or_404(LeadImport.objects.defer("content"), pk=pk)
    content = b"".join(csv_lines(refused_rows(found)))
    headers = {"Content-Disposition": 'attachment; filename="refused-leads.csv"'}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def _preview(request: HttpRequest, found: LeadImport, form: ColumnsForm) -> HttpResponse:
    rows = first_rows(found)
    judged = rows_judge(found, rows)
    context = {
        "found": found,
        "form": form,
        "rows": [
            (row, [" ".join(said) for said in reasons.values()])
            for row, (_terms, reasons) in zip(rows, judged, strict=True)
        ],
    }
    return render(request, "dashboard/leads/preview.html", context, status=422 if form.is_bound else 200)


def _progress(request: HttpRequest, reach: Reach, found: LeadImport) -> HttpResponse:
    job = found.job
    assert job is not None
    context = {
        "found": found,
        "job": job,
        "percent": found.done_rows * 100 // found.total_rows,
        "is_open": job.status in _UNSETTLED,
        "refused": found.refused.order_by("number")[:_SHOWN],
        "reach": reach,
    }
    return render(request, "dashboard/leads/import.html", context)
