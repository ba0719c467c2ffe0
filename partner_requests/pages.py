"""Dashboard pages of partner requests: what waits, what is late, and an operator's decision."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.api.exceptions import DomainError
from partner_requests.forms import DecisionForm
from partner_requests.models import PartnerRequest
from partner_requests.registry import REQUEST_TYPES
from partner_requests.selectors import request_figures
from partner_requests.services.lifecycle import partner_request_decide
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached

_FIGURES_FOR = timedelta(days=30)


@require_GET
@reached(*READERS)
def request_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's requests, newest first, by status, type and lateness; and figures of 30 days by type."""
    names = ("status", "type", "late")
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:60] for name in names}
    rows = PartnerRequest.objects.select_related("client", "organization").defer("payload", "result")
    if reach.organization:
        rows = rows.for_organization(reach.organization.id)
    if filters["status"] in PartnerRequest.Status:
        rows = rows.filter(status=filters["status"])
    if filters["type"]:
        rows = rows.filter(type=filters["type"])
    if filters["late"]:
        rows = rows.filter(sla_breached_at__isnull=False)
    page = Paginator(rows.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    organization_id = reach.organization.id if reach.organization else None
    figures = request_figures(since=timezone.now() - _FIGURES_FOR, organization_id=organization_id)
    context = {
        "rows": page,
        "page_obj": page,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": PartnerRequest.Status.choices,
        "types": sorted({figure["type"] for figure in figures} | REQUEST_TYPES.keys()),
        "figures": figures,
        "reach": reach,
    }
    return render(request, "dashboard/partner_requests/list.html", context)


@require_GET
@reached(*READERS)
def request_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One request: payload, result, history, and the decision where it is open."""
    return _detail(request, reach, pk, DecisionForm())


@require_POST
@reached(*GOVERNORS)
def request_decide(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Complete or fail a request by hand."""
    get_object_or_404(PartnerRequest.objects.only("id"), pk=pk)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _detail(request, reach, pk, form, status=422)
    try:
        partner_request_decide(request_id=pk, actor=actor_of(request), **form.cleaned_data)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The request is settled."))
    return redirect("dashboard-partner-request", pk=pk)


def _detail(
    request: HttpRequest, reach: Reach, pk: UUID, form: DecisionForm, status: int = 200
) -> HttpResponse:
    row = get_object_or_404(PartnerRequest.objects.select_related("client", "organization"), pk=pk)
    context = {
        "row": row,
        "history": row.transitions.all(),
        "has_handler": row.type in REQUEST_TYPES,
        "is_open": row.settled_at is None,
        "form": form,
        "reach": reach,
    }
    return render(request, "dashboard/partner_requests/detail.html", context, status=status)
