"""Pages of endpoints: a client's webhook subscriptions."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from credentials.forms import RotateForm
from partners.models import GOVERNORS, READERS, ApiClient, AuditEntry
from partners.pages import Reach, actor_of, audit_row, reached
from webhooks.forms import EndpointForm
from webhooks.models import Delivery, Replay, Subscription
from webhooks.secrets import subscription_public_key
from webhooks.selectors import deliveries_by_status, subscriptions_counted
from webhooks.serializers import SubscriptionChanges, SubscriptionIn
from webhooks.services.replays import replay_start
from webhooks.services.subscriptions import (
    NewSecret,
    subscription_create,
    subscription_delete,
    subscription_secret_rotate,
    subscription_test,
    subscription_update,
)

_SHOWN = 200
_LATEST = 10
# A replay's choices: hours back.
_REPLAYED_HOURS = (1, 24, 7 * 24, 30 * 24)


@require_GET
@reached(*READERS)
def endpoint_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's endpoints, failing and disabled ones first."""
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in ("q", "status")}
    rows = Subscription.objects.select_related("client", "organization")
    if reach.organization:
        rows = rows.for_organization(reach.organization.id)
    if filters["q"]:
        rows = rows.matching(filters["q"])
    if filters["status"] in Subscription.Status:
        rows = rows.filter(status=filters["status"])
    found = subscriptions_counted(rows.by_need()[:_SHOWN])
    context = {
        "endpoints": found,
        "filters": filters,
        "statuses": Subscription.Status.choices,
        "reach": reach,
        "tab": "endpoints",
    }
    return render(request, "dashboard/webhooks/endpoints.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def endpoint_create(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The endpoint form; a valid one answers the page that shows the secret once."""
    form = EndpointForm(request.POST or None, clients=_clients(reach), initial=request.GET.dict())
    terms = form.terms(SubscriptionIn) if request.method == "POST" and form.is_valid() else None
    if terms is not None:
        try:
            made = subscription_create(client=form.cleaned_data["client"], actor=actor_of(request), **terms)
        except DomainError as error:
            form.refuse(error)
        else:
            return _reveal(request, reach, made)
    return _form(request, reach, form)


@require_GET
@reached(*READERS)
def endpoint_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One endpoint: its terms, health, latest deliveries, replays and audit trail."""
    endpoint = get_object_or_404(Subscription.objects.select_related("client", "organization"), pk=pk)
    audit = AuditEntry.objects.select_related("organization").filter(
        target_type="subscription", target_id=str(pk)
    )
    context = {
        "endpoint": endpoint,
        "counts": deliveries_by_status(endpoint),
        "deliveries": Delivery.objects.defer("body")
        .filter(subscription=endpoint)
        .order_by("-created_at", "-id")[:_LATEST],
        "replays": endpoint.replays.order_by("-created_at")[:5],
        "is_replaying": endpoint.replays.filter(status=Replay.Status.RUNNING).exists(),
        "public_key": subscription_public_key(endpoint),
        "audit": [audit_row(entry) for entry in audit[:20]],
        "grace_choices": RotateForm().fields["grace_seconds"].choices,  # type: ignore[attr-defined]
        "replay_hours": _REPLAYED_HOURS,
        "reach": reach,
    }
    return render(request, "dashboard/webhooks/endpoint.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def endpoint_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The form of an endpoint's terms."""
    endpoint = get_object_or_404(Subscription, pk=pk)
    form = EndpointForm.of(endpoint, request.POST or None, clients=_clients(reach))
    if (
        request.method == "POST"
        and form.is_valid()
        and (terms := form.terms(SubscriptionChanges)) is not None
    ):
        try:
            subscription_update(subscription_id=pk, changes=terms, actor=actor_of(request))
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The endpoint is changed."))
            return redirect("dashboard-webhook-endpoint", pk=pk)
    return _form(request, reach, form, endpoint)


@require_POST
@reached(*GOVERNORS)
def endpoint_status(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Pause, disable or resume."""
    get_object_or_404(Subscription.objects.only("id"), pk=pk)
    status = request.POST.get("status", "")
    if status in Subscription.Status:
        subscription_update(subscription_id=pk, changes={"status": status}, actor=actor_of(request))
        sentences = {
            Subscription.Status.ACTIVE: _("The endpoint is active. What waited is sent now."),
            Subscription.Status.PAUSED: _("The endpoint is paused. New messages wait until it is resumed."),
            Subscription.Status.DISABLED: _("The endpoint is disabled. What waited is canceled."),
        }
        messages.success(request, sentences[Subscription.Status(status)])
    return redirect("dashboard-webhook-endpoint", pk=pk)


@never_cache
@require_POST
@reached(*GOVERNORS)
def endpoint_rotate(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A new secret, shown once; the old one signs too until the form says."""
    get_object_or_404(Subscription.objects.only("id"), pk=pk)
    form = RotateForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose when the old secret ends."))
        return redirect("dashboard-webhook-endpoint", pk=pk)
    rotated = subscription_secret_rotate(
        subscription_id=pk, actor=actor_of(request), grace_s=form.cleaned_data["grace_seconds"]
    )
    return _reveal(request, reach, rotated)


@require_POST
@reached(*GOVERNORS)
def endpoint_test(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Send a test event; the answer is the page of its delivery."""
    get_object_or_404(Subscription.objects.only("id"), pk=pk)
    try:
        delivery = subscription_test(subscription_id=pk, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("dashboard-webhook-endpoint", pk=pk)
    messages.success(request, _("A test event is on its way."))
    return redirect("dashboard-webhook-detail", pk=delivery.pk)


@require_POST
@reached(*GOVERNORS)
def endpoint_replay(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Send the deliveries of the last hours again."""
    get_object_or_404(Subscription.objects.only("id"), pk=pk)
    hours, only = request.POST.get("hours", ""), request.POST.get("only", "")
    if hours not in map(str, _REPLAYED_HOURS) or only not in Replay.Only:
        messages.error(request, _("Choose since when, and which."))
        return redirect("dashboard-webhook-endpoint", pk=pk)
    since = timezone.now() - timedelta(hours=int(hours))
    try:
        replay = replay_start(subscription_id=pk, since=since, only=only, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("%(count)d deliveries are sent again.") % {"count": replay.total})
    return redirect("dashboard-webhook-endpoint", pk=pk)


@require_POST
@reached(*GOVERNORS)
def endpoint_delete(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Delete an endpoint whose address was typed to confirm."""
    endpoint = get_object_or_404(Subscription, pk=pk)
    if request.POST.get("confirm", "").strip() != endpoint.url:
        messages.error(request, _("The address did not match, so nothing was deleted."))
        return redirect("dashboard-webhook-endpoint", pk=pk)
    subscription_delete(subscription_id=pk, actor=actor_of(request))
    messages.success(request, _("The endpoint is deleted."))
    return redirect("dashboard-webhook-endpoints")


def _clients(reach: Reach) -> Any:
    clients = ApiClient.objects.order_by("name")
    return clients.for_organization(reach.organization.id) if reach.organization else clients


def _form(
    request: HttpRequest, reach: Reach, form: EndpointForm, endpoint: Subscription | None = None
) -> HttpResponse:
    context = {"form": form, "endpoint": endpoint, "reach": reach}
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/webhooks/endpoint_form.html", context, status=status)


def _reveal(request: HttpRequest, reach: Reach, made: NewSecret) -> HttpResponse:
    context = {
        "endpoint": made.subscription,
        "secret": made.secret,
        "old_ends_at": made.old_ends_at,
        "public_key": subscription_public_key(made.subscription),
        "reach": reach,
    }
    return render(request, "dashboard/webhooks/reveal.html", context)
