"""Pages of deliveries and their attempts."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.tenancy import Environment
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from webhooks.models import Attempt, Delivery, Subscription
from webhooks.registry import EVENT_TYPES
from webhooks.services.deliveries import delivery_resend

_FILTERS = ("q", "status", "event_type", "environment", "endpoint")
_ATTEMPTS_SHOWN = 50


@require_GET
@reached(*READERS)
def delivery_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's deliveries, newest first, by status, event type, environment, endpoint and webhook id."""
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:80] for name in _FILTERS}
    endpoint = _endpoint(filters["endpoint"])
    deliveries = Delivery.objects.defer("body").order_by("-created_at", "-id")
    if reach.organization:
        deliveries = deliveries.filter(organization_id=reach.organization.id)
    if filters["q"]:
        deliveries = deliveries.filter(webhook_id=filters["q"])
    if filters["status"] in Delivery.Status:
        deliveries = deliveries.filter(status=filters["status"])
    if filters["event_type"]:
        deliveries = deliveries.filter(event_type=filters["event_type"])
    if filters["environment"] in Environment.values:
        deliveries = deliveries.filter(environment=filters["environment"])
    if endpoint:
        deliveries = deliveries.filter(subscription=endpoint)
    place = _place(request.GET.get("before", ""))
    page = list((deliveries.behind(*place) if place else deliveries)[: PAGE_SIZE + 1])
    shown = page[:PAGE_SIZE]
    context = {
        "deliveries": shown,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "endpoint": endpoint,
        "statuses": Delivery.Status.choices,
        "environments": Environment.choices,
        "event_types": sorted(EVENT_TYPES),
        "next_cursor": _cursor(shown[-1]) if len(page) > PAGE_SIZE else "",
        "tab": "deliveries",
    }
    return render(request, "dashboard/webhooks/deliveries.html", context)


@require_GET
@reached(*READERS)
def delivery_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One delivery: its facts, and each attempt with request and answer, newest first."""
    attempts = Attempt.objects.filter(delivery_id=pk).order_by("-created_at", "-id")
    context = {
        "delivery": get_object_or_404(Delivery.objects.select_related("subscription", "client"), pk=pk),
        "attempts": attempts[:_ATTEMPTS_SHOWN],
        "reach": reach,
    }
    return render(request, "dashboard/webhooks/delivery.html", context)


@require_POST
@reached(*GOVERNORS)
def resend(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Send a delivery again, with the same id."""
    get_object_or_404(Delivery.objects.only("id"), pk=pk)
    delivery_resend(delivery_id=pk, actor=actor_of(request))
    messages.success(request, _("The webhook is sent again, with the same id."))
    return redirect("dashboard-webhook-detail", pk=pk)


def _endpoint(text: str) -> Subscription | None:
    try:
        return Subscription.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _cursor(delivery: Delivery) -> str:
    return f"{delivery.created_at.isoformat()}_{delivery.id}"


def _place(text: str) -> tuple[datetime, UUID] | None:
    at, _separator, pk = text.partition("_")
    try:
        moment, identity = parse_datetime(at), UUID(pk)
    except ValueError:
        return None
    return (moment, identity) if moment is not None and moment.tzinfo is not None else None
