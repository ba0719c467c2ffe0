"""The overview for members, and the pages of organizations: list, create, suspend, resume; their partners."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from credentials.forms import OrganizationForm, RecordingsForm, TimeZoneForm
from credentials.models import ApiKey
from credentials.pages import requests
from credentials.pages.usage import usage_chart, usage_tiles
from credentials.selectors.requests import RequestSearch, request_search
from credentials.selectors.usage import usage_timeline
from credentials.selectors.usage_range import UsageRange
from credentials.services.suspension import client_change_status, organization_change_status
from partners.models import GOVERNORS, READERS, ApiClient, AuditEntry, Membership, Organization
from partners.pages import PAGE_SIZE, Reach, actor_of, audit_row, reach_of, reached, super_admin_required
from partners.services.organizations import (
    organization_change_recordings,
    organization_change_time_zone,
    organization_create,
)


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The overview: for super-admins the whole hub, for others the organization they are in."""
    reach = reach_of(request)
    if reach is None:
        return render(request, "dashboard/home.html", {"tiles": []})
    return requests.operator_home(request) if reach.is_everywhere else _organization_home(request)


@reached(*READERS)
def _organization_home(request: HttpRequest, reach: Reach) -> HttpResponse:
    assert reach.organization
    extent = UsageRange.of()
    times = usage_timeline(extent, organization_id=reach.organization.id)
    keys = ApiKey.objects.for_organization(reach.organization.id)
    keys_url = reverse("keys-list")
    tiles = [
        {
            "label": _("Active keys"),
            "value": keys.in_state("active").count(),
            "hint": _("sandbox and production"),
            "url": f"{keys_url}?status=active",
        },
        *usage_tiles(times),
    ]
    context = {
        "reach": reach,
        "tiles": tiles,
        "keys": keys.with_last_four().order_by("-created_at", "-id")[:5],
        "recent_requests": request_search(RequestSearch(organization_id=reach.organization.id)).rows[:10],
        "chart": usage_chart(times, extent, ((_("Requests"), "requests"), (_("Errors"), "errors"))),
    }
    return render(request, "dashboard/organizations/home.html", context)


@require_GET
@super_admin_required
def organization_list(request: HttpRequest) -> HttpResponse:
    """Every organization by name, with its members and live keys; by name and status."""
    filters = {name: request.GET.get(name, "").strip()[:200] for name in ("q", "status")}
    keys = ApiKey.objects.filter(organization=OuterRef("pk")).in_state("active").order_by()
    rows = Organization.objects.annotate(
        members=Count("memberships"),
        active_keys=Subquery(keys.values("organization").annotate(n=Count("id")).values("n")),
    ).order_by("name", "id")
    if filters["q"]:
        rows = rows.filter(Q(name__icontains=filters["q"]) | Q(slug__icontains=filters["q"]))
    if filters["status"] in Organization.Status:
        rows = rows.filter(status=filters["status"])
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"organizations": page, "filters": filters, "page_obj": page}
    return render(request, "dashboard/organizations/list.html", context)


@require_http_methods(["GET", "POST"])
@super_admin_required
def organization_new(request: HttpRequest) -> HttpResponse:
    """The form of a new organization."""
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            organization = organization_create(**form.cleaned_data, actor=actor_of(request))
        except DomainError as error:
            form.add_error("slug", error.message)
        else:
            messages.success(request, _("The organization is created. Add its first owner."))
            return redirect("organization-detail", pk=organization.pk)
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/organizations/form.html", {"form": form}, status=status)


@require_GET
@reached(*READERS)
def organization_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One organization: members and roles, its partners with their keys, its latest audit entries."""
    return organization_page(request, reach, pk)


def organization_page(
    request: HttpRequest, reach: Reach, pk: UUID, status: int = 200, **more: Any
) -> HttpResponse:
    """The page of an organization within reach, with what a refused form wants to say."""
    organization = get_object_or_404(Organization, pk=pk)
    live = Count("api_keys", filter=Q(api_keys__status=ApiKey.Status.ACTIVE))
    clients = ApiClient.objects.for_organization(pk).annotate(active_keys=live)
    audit = AuditEntry.objects.select_related("organization").for_organization(pk)[:10]
    context = {
        "reach": reach,
        "organization": organization,
        "members": Membership.objects.for_organization(pk).select_related("user").order_by("user__email"),
        "clients": Paginator(clients.order_by("name", "environment"), 100).get_page(request.GET.get("page")),
        "audit": [audit_row(entry) for entry in audit],
        "roles": Membership.Role.choices,
        "time_zone_form": TimeZoneForm(initial={"time_zone": organization.time_zone}),
        "recordings_form": RecordingsForm(
            initial={
                "days": organization.recording_retention_days,
                "unmasked": organization.transcripts_unmasked,
            }
        ),
        "retention_default": settings.RECORDING_RETENTION_DAYS,
        **more,
    }
    context["page_obj"] = context["clients"]
    return render(request, "dashboard/organizations/detail.html", context, status=status)


@require_POST
@super_admin_required
def organization_status(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Suspend, once its name was typed, or resume an organization with all its keys."""
    organization = get_object_or_404(Organization, pk=pk)
    status = request.POST.get("status", "")
    if status not in Organization.Status:
        raise Http404
    suspend = status == Organization.Status.SUSPENDED
    if suspend and request.POST.get("confirm", "").strip() != organization.name:
        messages.error(request, _("Type the organization's name to confirm; it was not suspended."))
        return redirect("organization-detail", pk=pk)
    done = _("The organization is suspended with all its keys.") if suspend else _("It works again.")
    try:
        organization_change_status(organization_id=pk, status=status, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect("organization-detail", pk=pk)


@require_POST
@reached(*GOVERNORS)
def organization_time_zone(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Say whose days the organization's calendars have."""
    get_object_or_404(Organization.objects.only("id"), pk=pk)
    form = TimeZoneForm(request.POST)
    if not form.is_valid():
        return organization_page(request, reach, pk, status=422, time_zone_form=form)
    organization_change_time_zone(organization_id=pk, actor=actor_of(request), **form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect("organization-detail", pk=pk)


@require_POST
@reached(*GOVERNORS)
def organization_recordings(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Say what the organization keeps of calls."""
    get_object_or_404(Organization.objects.only("id"), pk=pk)
    form = RecordingsForm(request.POST)
    if not form.is_valid():
        return organization_page(request, reach, pk, status=422, recordings_form=form)
    organization_change_recordings(organization_id=pk, actor=actor_of(request), **form.cleaned_data)
    messages.success(request, _("Saved. Recordings past this age are erased within the hour."))
    return redirect("organization-detail", pk=pk)


@require_POST
@reached(*GOVERNORS)
def client_status(request: HttpRequest, reach: Reach, pk: UUID, client_id: UUID) -> HttpResponse:
    """Suspend or resume a partner of the organization with all its keys."""
    status = request.POST.get("status", "")
    if status not in ApiClient.Status:
        raise Http404
    client = get_object_or_404(ApiClient.objects.for_organization(pk), pk=client_id)
    try:
        client_change_status(client_id=client.pk, status=status, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        text = (
            _("%(name)s is suspended with all its keys.")
            if status == ApiClient.Status.SUSPENDED
            else _("%(name)s works again.")
        )
        messages.success(request, text % {"name": client.name})
    return redirect("organization-detail", pk=pk)
