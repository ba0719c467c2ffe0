"""Dashboard pages of payout batches: made by one person, approved by another, settled."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError, NotFound
from partners.models import GOVERNORS, READERS, ApiClient
from partners.pages import PAGE_SIZE, Reach, actor_of, reached, signed_in
from rewards.models import PayoutBatch, PayoutItem
from rewards.payout_forms import BatchForm, FailureForm
from rewards.selectors.due import due_of
from rewards.services.payouts import (
    payout_batch_approve,
    payout_batch_cancel,
    payout_batch_create,
    payout_file_open,
)
from rewards.services.settling import payout_items_settle

Item = PayoutItem.Status
_SHOWN = 200


@require_GET
@reached(*READERS)
def batch_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's payout batches, the newest first; and what is due."""
    rows = PayoutBatch.objects.select_related("organization", "created_by", "approved_by")
    if reach.organization:
        rows = rows.filter(organization=reach.organization)
    rows = rows.annotate(item_count=Count("items"), total_minor=Sum("items__net_minor"))
    context = {
        "page_obj": Paginator(rows.order_by("-created_at", "-id"), PAGE_SIZE).get_page(
            request.GET.get("page")
        ),
        "due": due_of(reach.organization.id) if reach.organization else [],
        "reach": reach,
        "tab": "payouts",
    }
    return render(request, "dashboard/rewards/payouts.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def batch_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Put a batch together."""
    if reach.organization is None:
        raise Http404
    form = BatchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            batch = payout_batch_create(
                organization_id=reach.organization.id,
                environment=data["environment"],
                provider=data["provider"],
                currency=data["currency"],
                minimum_minor=form.minimum_minor(),
                created_by=signed_in(request),
                actor=actor_of(request),
            )
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("The batch is a draft. Another person approves it."))
            return redirect("dashboard-payout", pk=batch.id)
    context = {"form": form, "due": due_of(reach.organization.id), "reach": reach, "tab": "payouts"}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "dashboard/rewards/payout_new.html", context, status=status)


@require_GET
@reached(*READERS)
def batch_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A batch: who made and approved it, whom it pays, and what may be done."""
    batch = _batch(pk)
    items = list(batch.items.select_related("payee").order_by("id")[:_SHOWN])
    clients = dict(
        ApiClient.objects.filter(id__in={item.client_id for item in items}).values_list("id", "name")
    )
    sums = batch.items.exclude(status=Item.CANCELLED).aggregate(
        gross=Sum("gross_minor", default=0),
        debt=Sum("debt_minor", default=0),
        net=Sum("net_minor", default=0),
        count=Count("id"),
    )
    is_draft = batch.status == PayoutBatch.Status.DRAFT
    context = {
        "batch": batch,
        "items": [(item, clients.get(item.client_id, "—")) for item in items],
        "more": max(0, sums["count"] - len(items)),
        "sums": sums,
        "may_approve": reach.may_govern and is_draft and batch.created_by_id != signed_in(request).pk,
        "waits_for_another": is_draft and batch.created_by_id == signed_in(request).pk,
        "may_cancel": reach.may_govern and is_draft,
        "may_settle": reach.may_govern and any(item.status == Item.SENT for item in items),
        "failing": FailureForm(),
        "reach": reach,
    }
    return render(request, "dashboard/rewards/payout.html", context)


@require_POST
@reached(*GOVERNORS)
def batch_approve(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Approve, as the second person, the sum that was shown."""
    shown = request.POST.get("expected", "")
    return _done(
        request,
        pk,
        _("Approved. Its payouts are on their way."),
        lambda: payout_batch_approve(
            batch_id=pk,
            approved_by=signed_in(request),
            actor=actor_of(request),
            expected_minor=int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 19 else -1,
        ),
    )


@require_POST
@reached(*GOVERNORS)
def batch_cancel(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Cancel a draft."""
    return _done(
        request,
        pk,
        _("Cancelled. Its rewards wait for the next batch."),
        lambda: payout_batch_cancel(batch_id=pk, actor=actor_of(request)),
    )


@never_cache
@require_GET
@reached(*GOVERNORS)
def batch_file(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The bank file of an approved batch."""
    batch = _batch(pk)
    try:
        content = payout_file_open(batch)
    except NotFound as error:
        raise Http404 from error
    name = f"payout-{batch.number}.xml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="application/xml", headers=headers)


@require_POST
@reached(*GOVERNORS)
def batch_settle(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The bank has paid all that is with it."""
    batch = _batch(pk)
    sent = list(batch.items.filter(status=Item.SENT).values_list("id", flat=True))
    return _done(
        request,
        pk,
        _("Paid."),
        lambda: payout_items_settle(item_ids=sent, actor=actor_of(request)),
    )


@require_POST
@reached(*GOVERNORS)
def item_fail(request: HttpRequest, reach: Reach, pk: UUID, item_id: UUID) -> HttpResponse:
    """The bank did not make this payout."""
    batch = _batch(pk)
    get_object_or_404(batch.items, pk=item_id)
    form = FailureForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else _("not paid")
    return _done(
        request,
        pk,
        _("Noted. It is owed again, and a later batch pays it."),
        lambda: payout_items_settle(item_ids=[item_id], failure=reason, actor=actor_of(request)),
    )


def _batch(pk: UUID) -> PayoutBatch:
    rows = PayoutBatch.objects.select_related("organization", "created_by", "approved_by")
    return get_object_or_404(rows, pk=pk)


def _done(request: HttpRequest, pk: UUID, sentence: str, change: Callable[[], Any]) -> HttpResponse:
    _batch(pk)
    try:
        change()
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, sentence)
    return redirect("dashboard-payout", pk=pk)
