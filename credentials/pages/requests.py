"""The overview, and the request log."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from config import tenancy
from credentials.models import ApiKey, RequestLog
from credentials.selectors import requests_by_hour
from partners.models import Membership
from partners.pages import signed_in, super_admin_required

ROWS = 50


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The overview: for super-admins the whole hub, for others the organizations they belong to."""
    if not request.user.is_superuser:
        with tenancy.operator():
            memberships = list(
                Membership.objects.select_related("organization").filter(user=signed_in(request))
            )
        tiles = [
            {"label": m.organization.name, "value": m.get_role_display(), "hint": "", "url": ""}
            for m in memberships
        ]
        return render(request, "dashboard/home.html", {"tiles": tiles})
    return _operator_home(request)


@super_admin_required
def _operator_home(request: HttpRequest) -> HttpResponse:
    day_ago = timezone.now() - timedelta(days=1)
    lately = RequestLog.objects.filter(created_at__gte=day_ago)
    requests = lately.count()
    errors = lately.filter(response_status__gte=500).count()
    refused = lately.filter(response_status__gte=400, response_status__lt=500).count()
    log_url = reverse("dashboard-requests")
    tiles = [
        {"label": _("Requests, 24 h"), "value": requests, "hint": "", "url": log_url},
        {
            "label": _("Refused, 24 h"),
            "value": refused,
            "hint": _("answers of 400 to 499"),
            "url": f"{log_url}?status=4",
        },
        {
            "label": _("Failed, 24 h"),
            "value": errors,
            "hint": _("answers of 500 and more"),
            "url": f"{log_url}?status=5",
        },
        {
            "label": _("Active keys"),
            "value": ApiKey.objects.in_state("active").count(),
            "hint": "",
            "url": f"{reverse('partner-api-list')}?status=active",
        },
    ]
    context = {
        "tiles": tiles,
        "recent_requests": RequestLog.objects.order_by("-created_at", "-id")[:10],
        "chart": requests_by_hour(),
    }
    return render(request, "dashboard/home.html", context)


@require_GET
@super_admin_required
def request_log(request: HttpRequest) -> HttpResponse:
    """The request log, newest first: by method, status class, key, and a request's id."""
    filters = {name: request.GET.get(name, "").strip()[:128] for name in ("q", "method", "status", "key")}
    rows = RequestLog.objects.order_by("-created_at", "-id")
    if filters["q"]:
        rows = rows.filter(request_id=filters["q"])
    if filters["method"]:
        rows = rows.filter(method=filters["method"])
    if filters["status"] in {"2", "3", "4", "5"}:
        start = int(filters["status"]) * 100
        rows = rows.filter(response_status__gte=start, response_status__lt=start + 100)
    if filters["key"]:
        rows = rows.filter(key_id=filters["key"])
    before = parse_datetime(request.GET.get("before", "")) if request.GET.get("before") else None
    if before is not None and before.tzinfo:
        rows = rows.filter(created_at__lt=before)
    found: list[Any] = list(rows[: ROWS + 1])
    next_cursor = found[ROWS - 1].created_at.isoformat() if len(found) > ROWS else ""
    context = {"rows": found[:ROWS], "filters": filters, "next_cursor": next_cursor}
    return render(request, "dashboard/requests.html", context)
