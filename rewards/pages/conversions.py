"""Dashboard pages of conversions and rewards."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.api.exceptions import DomainError
from config.tenancy import Environment
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached
from rewards.models import Conversion, Reward
from rewards.pages.paging import filters_of, older
from rewards.payout_forms import AttributeForm
from rewards.services.conversions import conversion_attribute, conversion_release


@require_GET
@reached(*READERS)
def conversion_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's conversions, the newest first, also those that are held and why."""
    filters = filters_of(request, "q", "status", "held", "environment")
    everything = Conversion.objects.select_related("organization", "network", "campaign", "client", "offer")
    if reach.organization:
        everything = everything.filter(organization=reach.organization)
    rows = everything
    if filters["status"]:
        rows = rows.filter(status=filters["status"])
    if filters["held"]:
        rows = rows.filter(held_for=filters["held"])
    if filters["environment"]:
        rows = rows.filter(environment=filters["environment"])
    if text := filters["q"]:
        rows = rows.filter(Q(network_transaction_id=text) | Q(user_id=text) | Q(click_reference=text))
    found, before = older(request, rows)
    context = {
        "conversions": found,
        "before": before,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": Conversion.Status.choices,
        "holds": Conversion.Hold.choices,
        "environments": Environment.choices,
        "held_count": everything.exclude(held_for="").count(),
        "reach": reach,
        "tab": "conversions",
    }
    return render(request, "dashboard/rewards/conversions.html", context)


@require_GET
@reached(*READERS)
def conversion_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One conversion: what the network said, how it was split, its rewards and its history."""
    return _detail(request, reach, pk)


@require_POST
@reached(*GOVERNORS)
def conversion_attribute_page(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Say who brought it."""
    form = AttributeForm(request.POST)
    if not form.is_valid():
        return _detail(request, reach, pk, form)
    return _done(
        request,
        pk,
        _("Attributed, and booked as the network said."),
        lambda: conversion_attribute(
            conversion_id=pk, reference=form.cleaned_data["reference"], actor=actor_of(request).name
        ),
    )


@require_POST
@reached(*GOVERNORS)
def conversion_release_page(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Book it in spite of what holds it."""
    return _done(
        request,
        pk,
        _("Released."),
        lambda: conversion_release(conversion_id=pk, actor=actor_of(request).name),
    )


@require_GET
@reached(*READERS)
def reward_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's rewards, the newest first."""
    filters = filters_of(request, "q", "status", "environment")
    rows = Reward.objects.select_related("organization", "conversion", "conversion__client", "item__batch")
    if reach.organization:
        rows = rows.filter(organization=reach.organization)
    if filters["status"] == "due":
        rows = rows.filter(status__in=("queued", "failed"), item=None, available_at__lte=timezone.now())
    elif filters["status"]:
        rows = rows.filter(status=filters["status"])
    if filters["environment"]:
        rows = rows.filter(environment=filters["environment"])
    if text := filters["q"]:
        rows = rows.filter(user_id=text)
    found, before = older(request, rows)
    context = {
        "rewards": found,
        "before": before,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": [*Reward.Status.choices, ("due", _("Due"))],
        "environments": Environment.choices,
        "now": timezone.now(),
        "reach": reach,
        "tab": "rewards",
    }
    return render(request, "dashboard/rewards/rewards.html", context)


def _conversion(pk: UUID) -> Conversion:
    rows = Conversion.objects.select_related("organization", "network", "campaign", "client", "offer")
    return get_object_or_404(rows, pk=pk)


def _detail(request: HttpRequest, reach: Reach, pk: UUID, form: AttributeForm | None = None) -> HttpResponse:
    conversion = _conversion(pk)
    context = {
        "conversion": conversion,
        "rewards": conversion.rewards.select_related("item__batch").order_by("id"),
        "history": conversion.changes.order_by("-id"),
        "may_attribute": reach.may_govern and conversion.held_for == Conversion.Hold.UNATTRIBUTED,
        "may_release": reach.may_govern
        and conversion.held_for in (Conversion.Hold.CAP, Conversion.Hold.RATE),
        "form": form or AttributeForm(),
        "reach": reach,
    }
    status = 422 if form and form.errors else 200
    return render(request, "dashboard/rewards/conversion.html", context, status=status)


def _done(request: HttpRequest, pk: UUID, sentence: str, change: Callable[[], Any]) -> HttpResponse:
    _conversion(pk)
    try:
        change()
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, sentence)
    return redirect("dashboard-conversion", pk=pk)
