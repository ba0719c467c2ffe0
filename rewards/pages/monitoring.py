"""`/dashboard/monitoring`: response times, errors, calls over their limits, and the catalogue's syncs."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from credentials.models import ApiKey
from credentials.selectors.usage import usage_report
from credentials.selectors.usage_range import UsageRange
from partners.models import READERS
from partners.pages import Reach, reached
from rewards.pages.charts import time_chart
from rewards.selectors.monitoring import limit_violations, networks_synced, syncs_recent

RANGES = {"24h": gettext_lazy("24 hours"), "7d": gettext_lazy("7 days"), "30d": gettext_lazy("30 days")}
_DAYS = {"7d": 7, "30d": 30}
_ROWS = 10


@require_GET
@reached(*READERS)
def monitoring(request: HttpRequest, reach: Reach) -> HttpResponse:
    """How the reach's API and catalogue did in the last 24 hours, 7 or 30 days (UTC)."""
    wanted = request.GET.get("range", "")
    chosen = wanted if wanted in RANGES else "24h"
    extent = UsageRange.days(_DAYS[chosen]) if chosen in _DAYS else UsageRange.of()
    organization_id: UUID | None = reach.organization.id if reach.organization else None
    report = usage_report(extent, organization_id=organization_id)
    refused = limit_violations(extent, organization_id=organization_id)
    times, by = report["by_time"], extent.group_by
    keys = refused["by_key"][:_ROWS]
    names = ApiKey.objects.filter(key_id__in=[key["key_id"] for key in keys])
    named = dict(names.values_list("key_id", "name"))
    context: dict[str, Any] = {
        "reach": reach,
        "ranges": [{"value": value, "label": label} for value, label in RANGES.items()],
        "chosen": chosen,
        "by_day": by == "day",
        "totals": report["totals"],
        "violations": sum(slot["rate_limit"] + slot["quota"] for slot in refused["by_time"]),
        "latency_chart": time_chart(
            times, by, [(name, [slot[name] for slot in times]) for name in ("p50", "p95", "p99")]
        ),
        "errors_chart": time_chart(
            times,
            by,
            [
                (_("Refused"), [slot["refused"] for slot in times]),
                (_("Failed"), [slot["failed"] for slot in times]),
            ],
        ),
        "limits_chart": time_chart(
            refused["by_time"],
            by,
            [
                (_("Rate limit"), [slot["rate_limit"] for slot in refused["by_time"]]),
                (_("Daily quota"), [slot["quota"] for slot in refused["by_time"]]),
            ],
        ),
        "errors": report["errors"][:_ROWS],
        "statuses": report["by_status"],
        "keys": [key | {"name": named.get(key["key_id"], "")} for key in keys],
        "syncs": syncs_recent(organization_id=organization_id),
        "networks": networks_synced(organization_id=organization_id),
    }
    return render(request, "dashboard/monitoring.html", context)
