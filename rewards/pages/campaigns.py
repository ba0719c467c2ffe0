"""Dashboard pages of campaigns and their links."""

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
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from rewards.forms import CampaignForm, LinkForm
from rewards.models import Campaign, SmartLink
from rewards.pages.charts import performance_charts
from rewards.selectors.performance import Period, Whose, performance_of, performance_report
from rewards.serializers.links import link_address
from rewards.services.campaigns import TRANSITIONS, campaign_create, campaign_update
from rewards.services.links import link_create, link_set_status

_FILTERS = ("q", "status", "environment")
_DAYS = 30


@require_GET
@reached(*READERS)
def campaign_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's campaigns, newest first, with what came of each; by name, status and environment."""
    filters = _filters(request)
    rows = _narrowed(reach, Campaign.objects.select_related("offer", "client", "organization"), filters)
    if filters["q"]:
        rows = rows.filter(name__icontains=filters["q"])
    page = Paginator(rows.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    figures = performance_of([campaign.id for campaign in page])
    context = {
        "campaigns": [(campaign, figures[campaign.id]) for campaign in page],
        "page_obj": page,
        "statuses": Campaign.Status.choices,
        "tab": "campaigns",
    }
    return render(request, "dashboard/campaigns/list.html", context | _shared(reach, filters))


@require_GET
@reached(*READERS)
def link_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's smart links, newest first; by code, campaign, user or sub id."""
    filters = _filters(request)
    rows = _narrowed(reach, SmartLink.objects.select_related("campaign__offer", "organization"), filters)
    if filters["q"]:
        rows = rows.matching(filters["q"])
    page = Paginator(rows.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "links": [(link, link_address(link.code)) for link in page],
        "page_obj": page,
        "statuses": SmartLink.Status.choices,
        "tab": "links",
    }
    return render(request, "dashboard/campaigns/links.html", context | _shared(reach, filters))


@require_GET
@reached(*READERS)
def campaign_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One campaign: its figures of 30 days, its links, and what may be done."""
    return _detail(request, reach, _campaign(pk), LinkForm())


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def campaign_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The form of a new campaign; of the organization the person is in."""
    if reach.organization is None:
        raise Http404
    form = CampaignForm(request.POST or None, organization_id=reach.organization.id)
    if form.is_bound and form.is_valid():
        try:
            campaign = campaign_create(actor=actor_of(request), **form.terms())
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("The campaign runs. Make a link for it."))
            return redirect("dashboard-campaign", pk=campaign.id)
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/campaigns/form.html", {"form": form, "reach": reach}, status=status)


@require_POST
@reached(*GOVERNORS)
def campaign_move(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Pause, resume or close a campaign."""
    status = request.POST.get("status", "")
    if status not in Campaign.Status:
        raise Http404
    try:
        campaign_update(campaign=_campaign(pk), status=status, actor=actor_of(request))
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The campaign is changed; its links follow within a second."))
    return redirect("dashboard-campaign", pk=pk)


@require_POST
@reached(*GOVERNORS)
def link_new(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Make a smart link of a campaign."""
    campaign = _campaign(pk)
    form = LinkForm(request.POST)
    if form.is_valid():
        try:
            link_create(campaign=campaign, actor=actor_of(request), **form.terms())
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("The link is made."))
            return redirect("dashboard-campaign", pk=pk)
    return _detail(request, reach, campaign, form, status=422)


@require_POST
@reached(*GOVERNORS)
def link_move(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Pause or resume a link."""
    status = request.POST.get("status", "")
    link = get_object_or_404(SmartLink, pk=pk)
    if status not in SmartLink.Status:
        raise Http404
    link_set_status(link=link, status=status, actor=actor_of(request))
    messages.success(request, _("The link is changed."))
    return redirect("dashboard-campaign", pk=link.campaign_id)


def _campaign(pk: UUID) -> Campaign:
    rows = Campaign.objects.select_related("offer__brand", "offer__network", "client", "organization")
    return get_object_or_404(rows, pk=pk)


def _detail(
    request: HttpRequest, reach: Reach, campaign: Campaign, form: LinkForm, *, status: int = 200
) -> HttpResponse:
    period = Period.days(_DAYS)
    report = performance_report(period, Whose(campaign_id=campaign.id))
    links = campaign.links.order_by("-created_at", "-id")
    page = Paginator(links, PAGE_SIZE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "campaign": campaign,
        "moves": TRANSITIONS[campaign.status],
        "links": [(link, link_address(link.code)) for link in page],
        "page_obj": page,
        "totals": report["totals"],
        "ever": performance_of([campaign.id])[campaign.id],
        "charts": performance_charts(report, period),
        "form": form,
        "is_open": campaign.status != Campaign.Status.CLOSED,
        "reach": reach,
    }
    return render(request, "dashboard/campaigns/detail.html", context, status=status)


def _filters(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _FILTERS}


def _narrowed(reach: Reach, rows: Any, filters: dict[str, str]) -> Any:
    if reach.organization:
        rows = rows.for_organization(reach.organization.id)
    if filters["status"]:
        rows = rows.filter(status=filters["status"])
    return rows.filter(environment=filters["environment"]) if filters["environment"] else rows


def _shared(reach: Reach, filters: dict[str, str]) -> dict[str, Any]:
    return {
        "filters": filters,
        "is_filtered": any(filters.values()),
        "environments": Environment.choices,
        "reach": reach,
    }
