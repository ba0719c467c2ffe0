"""`/dashboard/performance`: what campaigns bring, of a partner, an organization or the whole platform."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from config.api.exceptions import ValidationFailed
from partners.models import READERS, ApiClient, Organization
from partners.pages import Reach, reached
from rewards.models import Campaign
from rewards.pages.charts import performance_charts
from rewards.selectors.performance import DAY, Period, Whose, performance_report

RANGES = {"24h": _("24 hours"), "7d": _("7 days"), "30d": _("30 days"), "90d": _("90 days")}
_DAYS = {"7d": 7, "30d": 30, "90d": 90}
_MOST_DAYS = 366
_CHOICES = 200


@require_GET
@reached(*READERS)
def performance(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Clicks, conversions, rate, EPC and revenue of a time, by slot and by campaign.

    The time is a range of RANGES, or the days `from` and `to`. One partner's where `client` names one;
    super-admins see every organization's, or one's.
    """
    query = {
        name: request.GET.get(name, "")[:40] for name in ("range", "from", "to", "client", "organization")
    }
    period, chosen, trouble = _period(query)
    organizations = list(Organization.objects.order_by("name").values_list("id", "name")[:_CHOICES])
    if reach.organization:
        organization_id: UUID | None = reach.organization.id
    else:
        organization_id = _one_of(query["organization"], organizations)
    clients = _clients(organization_id)
    client_id = _one_of(query["client"], [(pk, name) for pk, name, _environment in clients])
    report = performance_report(period, Whose(organization_id=organization_id, client_id=client_id))
    context: dict[str, Any] = {
        "reach": reach,
        "tab": "performance",
        "ranges": [{"value": value, "label": label} for value, label in RANGES.items()],
        "chosen": chosen,
        "from": query["from"] if chosen == "days" else "",
        "to": query["to"] if chosen == "days" else "",
        "trouble": trouble,
        "by_day": period.by == "day",
        "organizations": [{"id": str(pk), "name": name} for pk, name in organizations],
        "organization_id": str(organization_id or ""),
        "clients": [
            {"id": str(pk), "name": name, "environment": environment} for pk, name, environment in clients
        ],
        "client_id": str(client_id or ""),
        "totals": report["totals"],
        "charts": performance_charts(report, period),
        "campaigns": _named(report["by_campaign"]),
    }
    return render(request, "dashboard/campaigns/performance.html", context)


def _period(query: dict[str, str]) -> tuple[Period, str, str]:
    """The period, what was chosen of RANGES ("days" for dates), and what is wrong with the dates."""
    trouble = ""
    if query["from"] or query["to"]:
        named = {"dateFrom": query["from"], "dateTo": query["to"]}
        try:
            period = Period.asked({name: text for name, text in named.items() if text})
        except ValidationFailed:
            trouble = str(_("Give two dates, the earlier one first."))
        else:
            earliest = period.ends_at - _MOST_DAYS * DAY
            return Period(max(period.starts_at, earliest), period.ends_at), "days", ""
    chosen = query["range"] if query["range"] in RANGES else "30d"
    return (Period.days(_DAYS[chosen]) if chosen in _DAYS else Period.hours(24)), chosen, trouble


def _clients(organization_id: UUID | None) -> list[tuple[UUID, str, str]]:
    if organization_id is None:
        return []
    rows = ApiClient.objects.for_organization(organization_id).order_by("name", "id")
    return list(rows.values_list("id", "name", "environment")[:_CHOICES])


def _one_of(named: str, choices: list[tuple[UUID, str]]) -> UUID | None:
    return next((pk for pk, _name in choices if str(pk) == named), None)


def _named(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [row["campaign_id"] for row in figures]
    found = Campaign.objects.select_related("offer", "client", "organization").in_bulk(ids)
    return [row | {"campaign": found[row["campaign_id"]]} for row in figures if row["campaign_id"] in found]
