"""`/dashboard/usage`: how much the API is used, how quickly it answers, and what it refuses."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from config.api.exceptions import ValidationFailed
from credentials.forms import ZONES
from credentials.models import ApiKey
from credentials.selectors.usage import usage_report
from credentials.selectors.usage_range import UTC_ZONE, UsageRange
from partners.models import READERS, Organization
from partners.pages import Reach, reached
from partners.selectors import organization_time_zone

RANGES = {"24h": gettext_lazy("24 hours"), "7d": gettext_lazy("7 days"), "30d": gettext_lazy("30 days")}
DAYS = {"7d": 7, "30d": 30}
ROWS = 12
_ZONE_NAMES = frozenset(name for name, _label in ZONES)


@require_GET
@reached(*READERS)
def usage_overview(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Usage of the last 24 hours, 7 or 30 days, of one organization; super-admins see all of them.

    Hours and days are those of the chosen time zone: by default the organization's, and UTC for all of them.
    """
    wanted = request.GET.get("range", "")
    chosen = wanted if wanted in RANGES else "24h"
    organizations = list(Organization.objects.order_by("name").values_list("id", "name")[:200])
    if reach.organization:
        organization_id: UUID | None = reach.organization.id
    else:
        organization_id = _organization(request.GET.get("organization", ""), organizations)
    usual_zone = organization_time_zone(organization_id) if organization_id else UTC_ZONE.key
    wanted_zone = request.GET.get("zone", "")
    chosen_zone = wanted_zone if wanted_zone in _ZONE_NAMES else ""
    extent = _extent(request, chosen, ZoneInfo(chosen_zone or usual_zone))
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
        "zones": ZONES,
        "usual_zone": usual_zone,
        "chosen_zone": chosen_zone,
        "zone": extent.zone.key,
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
    """Figures over time as the chart and the table beside it take them; `series` are (label, figure).

    Labels have the offset of the zone at their moment, so whoever draws needs no time zones of its own.
    """
    return {
        "by": extent.group_by,
        "zone": extent.zone.key,
        "labels": [slot["local_time"] for slot in times],
        "series": [{"label": label, "values": [slot[name] for slot in times]} for label, name in series],
    }


def _extent(request: HttpRequest, chosen: str, zone: ZoneInfo) -> UsageRange:
    """The range that is chosen; by UTC, which the person is told, where the zone's hours are kept no more."""
    try:
        return UsageRange.days(DAYS[chosen], zone) if chosen in DAYS else UsageRange.of(zone=zone)
    except ValidationFailed:
        messages.warning(request, _("This far back only days of UTC are kept."))
        return _extent(request, chosen, UTC_ZONE)


def _organization(named: str, organizations: list[tuple[UUID, str]]) -> UUID | None:
    return next((pk for pk, _name in organizations if str(pk) == named), None)
