"""Reads of the request log. They need the operator context, or the tenant's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, Q
from django.db.models.functions import TruncHour
from django.utils import timezone

from credentials.models import ApiKey, RequestLog

_ERROR = Q(response_status__gte=400)


def usage_today(key: ApiKey) -> dict[str, Any]:
    """A key's requests since midnight UTC: count, errors, mean milliseconds, and its daily quota."""
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    figures = RequestLog.objects.filter(partner_api_key_id=key.pk, created_at__gte=midnight).aggregate(
        requests_today=Count("id"),
        errors_today=Count("id", filter=_ERROR),
        average_ms=Avg("response_time_ms"),
    )
    return {**figures, "quota": key.daily_quota}


def usage_dashboard(organization_id: UUID) -> dict[str, Any]:
    """An organization's requests of the last 24 hours, in all, by hour and by credential."""
    rows = RequestLog.objects.for_organization(organization_id).filter(
        created_at__gte=timezone.now() - timedelta(days=1)
    )
    figures = rows.aggregate(
        totalRequests=Count("id"),
        failedRequests=Count("id", filter=_ERROR),
        averageResponseTime=Avg("response_time_ms"),
    )
    by_hour = (
        rows.annotate(hour=TruncHour("created_at", tzinfo=UTC))
        .values("hour")
        .annotate(count=Count("id"))
        .order_by("hour")
    )
    by_key = rows.values("key_id").annotate(count=Count("id")).order_by("-count", "key_id")
    return {
        **figures,
        "successfulRequests": figures["totalRequests"] - figures["failedRequests"],
        "requestsByTime": [{"time": row["hour"], "count": row["count"]} for row in by_hour],
        "requestsByCredential": [{"keyId": row["key_id"], "count": row["count"]} for row in by_key],
    }


def requests_by_hour(*, hours: int = 24) -> dict[str, Any]:
    """Requests and errors of the last hours, as the chart takes them; hours without any are 0."""
    now = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = now - timedelta(hours=hours - 1)
    rows = (
        RequestLog.objects.filter(created_at__gte=start)
        .annotate(hour=TruncHour("created_at", tzinfo=UTC))
        .values("hour")
        .annotate(requests=Count("id"), errors=Count("id", filter=_ERROR))
    )
    found: dict[datetime, dict[str, int]] = {
        row["hour"]: {"requests": row["requests"], "errors": row["errors"]} for row in rows
    }
    labels = [start + timedelta(hours=index) for index in range(hours)]
    nothing = {"requests": 0, "errors": 0}
    return {
        "labels": [label.isoformat() for label in labels],
        "series": [
            {
                "label": "Requests",
                "values": [found.get(label, nothing)["requests"] for label in labels],
            },
            {
                "label": "Errors",
                "values": [found.get(label, nothing)["errors"] for label in labels],
            },
        ],
    }
