"""Dashboard pages of deliveries and their attempts."""

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
    filters = {name: request.GET.get(name, "").strip()[:80] for name in ("q", "status", "event_type")}
    deliveries = Delivery.objects.defer("body").order_by("-created_at", "-id")
    if filters["q"]:
        deliveries = deliveries.filter(webhook_id=filters["q"])
    if filters["status"] in Delivery.Status:
        deliveries = deliveries.filter(status=filters["status"])
    if filters["event_type"]:
        deliveries = deliveries.filter(event_type=filters["event_type"])
    page = Paginator(deliveries, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "deliveries": page,
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
    context = {
        "delivery": get_object_or_404(Delivery, pk=pk),
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
