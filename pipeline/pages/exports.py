"""Files of leads and policies: asked for, followed, fetched."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from config.api.exceptions import DomainError
from partners.models import GOVERNORS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from pipeline.forms import ExportForm
from pipeline.links import export_path
from pipeline.models import Export
from pipeline.serializers.exports import ExportOut
from pipeline.services.exports import export_start


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def export_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The form that asks for a file, and the files of the reach, newest first. Owners and managers only."""
    may_ask = reach.organization is not None
    form = ExportForm(request.POST or None, initial={"environment": "production"})
    if request.method == "POST":
        if reach.organization is None:
            raise Http404
        if form.is_valid():
            try:
                export_start(
                    organization_id=reach.organization.id,
                    environment=form.cleaned_data["environment"],
                    client_id=None,
                    kind=form.cleaned_data["kind"],
                    file_format=form.cleaned_data["file_format"],
                    filters=form.filters(),
                    actor=actor_of(request),
                )
            except DomainError as refusal:
                form.add_error("status", refusal.details.get("status") or refusal.message)
            else:
                return redirect("dashboard-pipeline-exports")
    exports = Export.objects.select_related("job", "organization")
    if reach.organization:
        exports = exports.for_organization(reach.organization.id)
    page = Paginator(exports.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [
        (export, ExportOut(export).data, export_path(export.id) if export.file_name else "")
        for export in page
    ]
    context = {
        "form": form,
        "rows": rows,
        "page_obj": page,
        "is_open": any(shown["status"] in ("queued", "processing") for _export, shown, _path in rows),
        "may_ask": may_ask,
        "reach": reach,
        "tab": "exports",
    }
    return render(request, "dashboard/pipeline/exports.html", context, status=422 if form.errors else 200)
