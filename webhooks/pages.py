"""Dashboard pages of deliveries and their attempts."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from partners.pages import PAGE_SIZE, actor_of, super_admin_required
from webhooks.models import Attempt, Delivery
from webhooks.registry import EVENT_TYPES
from webhooks.services.deliveries import delivery_resend


@require_GET
@super_admin_required
def delivery_list(request: HttpRequest) -> HttpResponse:
    """Every delivery, newest first, by status, event type and webhook id."""
    filters = {
        name: request.GET.get(name, "").strip()[:80] for name in ("q", "status", "event_type")
    }
    deliveries = Delivery.objects.select_related("client", "organization").defer("body")
    deliveries = deliveries.order_by("-created_at", "-id")
    if filters["q"]:
        deliveries = deliveries.filter(webhook_id=filters["q"])
    if filters["status"] in Delivery.Status:
        deliveries = deliveries.filter(status=filters["status"])
    if filters["event_type"]:
        deliveries = deliveries.filter(event_type=filters["event_type"])
    page = Paginator(deliveries, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "deliveries": [delivery_row(delivery) for delivery in page],
        "filters": filters,
        "page_obj": page,
        "statuses": Delivery.Status.choices,
        "event_types": sorted(EVENT_TYPES),
    }
    return render(request, "dashboard/webhooks.html", context)


@require_GET
@super_admin_required
def delivery_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One delivery: its facts, and each attempt with request and answer, newest first."""
    delivery = get_object_or_404(Delivery.objects.select_related("client", "organization"), pk=pk)
    context = {
        "delivery": delivery_row(delivery) | {"body": delivery.body},
        "attempts": Attempt.objects.filter(delivery_id=pk).order_by("-created_at", "-id")[:50],
    }
    return render(request, "dashboard/webhook_detail.html", context)


@require_POST
@super_admin_required
def resend(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send a delivery again, with the same id."""
    get_object_or_404(Delivery.objects.only("id"), pk=pk)
    delivery_resend(delivery_id=pk, actor=actor_of(request))
    messages.success(request, _("The webhook is sent again, with the same id."))
    return redirect("dashboard-webhook-detail", pk=pk)


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the pages show it."""
    return {
        "id": delivery.id,
        "event_type": delivery.event_type,
        "webhook_id": delivery.webhook_id,
        "url": delivery.url,
        "url_host": urlsplit(delivery.url).netloc,
        "status": delivery.status,
        "attempt_count": delivery.attempt_count,
        "max_attempts": delivery.max_attempts,
        "response_code": delivery.response_code,
        "last_error": delivery.last_error,
        "next_attempt_at": delivery.next_attempt_at if delivery.status in ("PENDING", "RETRYING") else None,
        "created_at": delivery.created_at,
        "delivered_at": delivery.delivered_at,
        "async_job_id": delivery.async_job_id,
        "partner": delivery.client.name if delivery.client else "",
        "organization": delivery.organization.name,
        "environment": delivery.environment,
    }
