"""`/dashboard/usage`: how much the API is used, how quickly it answers, and what it refuses."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from credentials.models import ApiKey
from credentials.selectors.usage import usage_report
from credentials.selectors.usage_range import UsageRange
from partners.models import READERS, Organization
from partners.pages import Reach, reached

RANGES = {"24h": gettext_lazy("24 hours"), "7d": gettext_lazy("7 days"), "30d": gettext_lazy("30 days")}
DAYS = {"7d": 7, "30d": 30}
ROWS = 12


@require_GET
@reached(*READERS)
def usage_overview(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Usage of the last 24 hours, 7 or 30 days (UTC), of one organization; super-admins see all of them."""
    wanted = request.GET.get("range", "")
    chosen = wanted if wanted in RANGES else "24h"
    organizations = list(Organization.objects.order_by("name").values_list("id", "name")[:200])
    if reach.organization:
        organization_id: UUID | None = reach.organization.id
    else:
        organization_id = _organization(request.GET.get("organization", ""), organizations)
    extent = UsageRange.days(DAYS[chosen]) if chosen in DAYS else UsageRange.of()
    report = usage_report(extent, organization_id=organization_id)
    keys = report["by_key"][:ROWS]
    names = dict(
        ApiKey.objects.filter(key_id__in=[key["key_id"] for key in keys]).values_list("key_id", "name")
    )
    times = report["by_time"]
    context = {
        "reach": reach,
        "ranges": [{"value": value, "label": label} for value, label in RANGES.items()],
        "chosen": chosen,
        "by_day": extent.group_by == "day",
        "organizations": [{"id": str(pk), "name": name} for pk, name in organizations],
        "organization_id": str(organization_id or ""),
        "totals": report["totals"],
        "requests_chart": usage_chart(
            times, extent, ((_("Requests"), "requests"), (_("Failed"), "failed"), (_("Refused"), "refused"))
        ),
        "latency_chart": usage_chart(times, extent, (("p50", "p50"), ("p95", "p95"), ("p99", "p99"))),
        "endpoints": report["by_endpoint"][:ROWS],
        "errors": report["errors"][:ROWS],
        "statuses": report["by_status"],
        "keys": [{**key, "name": names.get(key["key_id"], "")} for key in keys],
    }
    return render(request, "dashboard/usage.html", context)


def usage_tiles(times: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The figures of the last 24 hours that an overview begins with."""
    log_url = reverse("dashboard-requests")
    return [
        {
            "label": _("Requests, 24 h"),
            "value": sum(slot["requests"] for slot in times),
            "hint": "",
            "url": reverse("dashboard-usage"),
        },
        {
            "label": _("Refused, 24 h"),
            "value": sum(slot["refused"] for slot in times),
            "hint": _("answers of 400 to 499"),
            "url": f"{log_url}?status=4xx",
        },
        {
            "label": _("Failed, 24 h"),
            "value": sum(slot["failed"] for slot in times),
            "hint": _("answers of 500 and more"),
            "url": f"{log_url}?status=5xx",
        },
    ]


def usage_chart(
    times: list[dict[str, Any]], extent: UsageRange, series: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Figures over time as the chart and the table beside it take them; `series` are (label, figure)."""
    return {
        "by": extent.group_by,
        "labels": [slot["starts_at"].isoformat() for slot in times],
        "series": [{"label": label, "values": [slot[name] for slot in times]} for label, name in series],
    }


def _organization(named: str, organizations: list[tuple[UUID, str]]) -> UUID | None:
    return next((pk for pk, _name in organizations if str(pk) == named), None)
