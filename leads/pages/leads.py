"""Dashboard pages of leads: found, written down, changed, moved on, merged."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from config.tenancy import Environment
from leads.forms import LeadForm
from leads.models import Lead, LeadChange
from leads.selectors import lead_search
from leads.services.leads import TRANSITIONS, lead_create, lead_update
from leads.services.merging import lead_merge
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached

_FILTERS = ("q", "status", "source", "tag", "environment", "duplicates")
_SHOWN = 50


@require_GET
@reached(*READERS)
def lead_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's leads, newest first: by text, status, source, tag and environment, or duplicates only."""
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _FILTERS}
    if filters["status"] not in Lead.Status:
        filters["status"] = ""
    leads = lead_search(**filters)
    if reach.organization:
        leads = leads.for_organization(reach.organization.id)
    page = Paginator(leads.defer("notes", "custom_fields"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "leads": page,
        "page_obj": page,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": Lead.Status.choices,
        "environments": Environment.choices,
        "reach": reach,
        "tab": "leads",
    }
    return render(request, "dashboard/leads/list.html", context)


@require_GET
@reached(*READERS)
def lead_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One lead: what is known, its history and duplicates, and what may be done."""
    lead = _lead(pk)
    context = {
        "lead": lead,
        "history": [(change, _differences(change)) for change in lead.changes.order_by("-at", "-id")[:200]],
        "duplicates": lead.duplicates.order_by("created_at", "id")[:_SHOWN],
        "merged": lead.merged.order_by("created_at", "id")[:_SHOWN],
        "moves": TRANSITIONS[lead.status],
        "is_open": lead.status != Lead.Status.MERGED,
        "reach": reach,
    }
    return render(request, "dashboard/leads/detail.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def lead_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Write a lead down by hand; of the organization the person is in."""
    if reach.organization is None:
        raise Http404
    environment = request.POST.get("environment") or request.GET.get("environment", "")
    if environment not in Environment:
        environment = Environment.PRODUCTION
    tenant: dict[str, Any] = {"organization_id": reach.organization.id, "environment": environment}
    form = LeadForm(request.POST or None, **tenant)
    if form.is_bound and form.is_valid():
        try:
            lead = lead_create(
                **tenant, client_id=None, actor=actor_of(request).name, custom_fields={}, **form.terms()
            )
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The lead is in."))
            return redirect("dashboard-lead", pk=lead.id)
    return _form(request, form, environment=environment)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def lead_edit(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Change what is known of a lead."""
    lead = _lead(pk)
    form = LeadForm(
        request.POST or None,
        initial=LeadForm.initial_of(lead),
        organization_id=lead.organization_id,
        environment=lead.environment,
    )
    if form.is_bound and form.is_valid():
        try:
            lead_update(lead_id=pk, changes=form.terms(), actor=actor_of(request))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The lead is changed."))
            return redirect("dashboard-lead", pk=pk)
    return _form(request, form, lead=lead)


@require_POST
@reached(*GOVERNORS)
def lead_move(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Qualify, convert or reject a lead."""
    _lead(pk)
    try:
        lead_update(lead_id=pk, changes={}, status=request.POST.get("status", ""), actor=actor_of(request))
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The lead is moved on."))
    return redirect("dashboard-lead", pk=pk)


@require_POST
@reached(*GOVERNORS)
def lead_merge_page(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Merge another lead, named by its id, into this one."""
    _lead(pk)
    try:
        lead_merge(survivor_id=pk, lead_id=UUID(request.POST.get("lead", "")), actor=actor_of(request))
    except (ValueError, Lead.DoesNotExist):
        messages.error(request, _("There is no such lead."))
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Merged. Both histories are kept."))
    return redirect("dashboard-lead", pk=pk)


def _differences(change: LeadChange) -> list[tuple[str, Any, Any]]:
    return [(name, change.before.get(name), after) for name, after in change.after.items()]


def _lead(pk: UUID) -> Lead:
    rows = Lead.objects.select_related(
        "organization", "client", "company", "agent", "duplicate_of", "merged_into"
    )
    return get_object_or_404(rows, pk=pk)


def _form(
    request: HttpRequest, form: LeadForm, *, lead: Lead | None = None, environment: str = ""
) -> HttpResponse:
    context = {
        "form": form,
        "lead": lead,
        "environment": environment,
        "environments": Environment.choices,
    }
    return render(request, "dashboard/leads/form.html", context, status=422 if form.errors else 200)
