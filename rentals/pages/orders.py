"""Dashboard pages of rental orders: the calendar, the list, an order and what may be done with it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from config.tenancy import Environment
from partners.models import GOVERNORS, READERS
from partners.pages import PAGE_SIZE, Reach, actor_of, reached
from rentals.forms import CancelForm, OrderForm, ReturnForm
from rentals.models import Item, Order
from rentals.selectors import orders_between
from rentals.services.orders import (
    TRANSITIONS,
    order_cancel,
    order_close,
    order_create,
    order_pick_up,
    order_reserve,
    order_return,
)
from rentals.timeline import DAYS, timeline_of

_SHOWN = 60


@require_GET
@reached(*READERS)
def calendar(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Four weeks of the reach's items: who has them when, and what is in repair."""
    zone = zone_of(reach)
    environment = _environment(request)
    items = _items(reach).filter(environment=environment).select_related("organization")
    category = request.GET.get("category", "").replace("\x00", "")
    names = sorted(set(items.exclude(category="").values_list("category", flat=True)))
    if category in names:
        items = items.filter(category=category)
    page = Paginator(items.order_by("name", "id"), _SHOWN).get_page(request.GET.get("page"))
    today = timezone.now().astimezone(zone).date()
    day = _day(request.GET.get("from")) or today
    first = day - timedelta(days=day.weekday())
    begin = datetime(first.year, first.month, first.day, tzinfo=zone)
    entries = orders_between(list(page), begin, begin + timedelta(days=DAYS))
    context = {
        "timeline": timeline_of(first, list(page), entries, zone),
        "page_obj": page,
        "categories": names,
        "category": category,
        "environment": environment,
        "environments": Environment.choices,
        "first": first,
        "last": first + timedelta(days=DAYS - 1),
        "before": first - timedelta(days=14),
        "after": first + timedelta(days=14),
        "today": today,
        "zone": zone.key,
        "overdue": _orders(reach).overdue(now=timezone.now()).count(),
        "reach": reach,
        "tab": "calendar",
    }
    return render(request, "dashboard/rentals/calendar.html", context)


@require_GET
@reached(*READERS)
def order_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's orders, the newest first: by status, customer and environment."""
    filters = {
        name: request.GET.get(name, "").replace("\x00", "").strip()[:200]
        for name in ("q", "status", "environment")
    }
    orders = _orders(reach).select_related("organization", "client")
    if filters["status"] == "overdue":
        orders = orders.overdue(now=timezone.now())
    elif filters["status"]:
        orders = orders.filter(status=filters["status"])
    if filters["environment"]:
        orders = orders.filter(environment=filters["environment"])
    if text := filters["q"]:
        orders = orders.filter(
            Q(customer__name__icontains=text) | Q(customer__email__icontains=text) | Q(notes__icontains=text)
        )
    page = Paginator(orders.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": [*Order.Status.choices, ("overdue", _("Overdue"))],
        "environments": Environment.choices,
        "now": timezone.now(),
        "reach": reach,
        "tab": "orders",
    }
    return render(request, "dashboard/rentals/orders.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def order_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Take an order, or a quote, by hand; for the organization the person is in."""
    if reach.organization is None:
        raise Http404
    environment = _environment(request)
    items = list(_items(reach).active().filter(environment=environment).order_by("name", "id")[:500])
    zone = zone_of(reach)
    begin = timezone.now().astimezone(zone).replace(hour=9, minute=0) + timedelta(days=1)
    given = {
        "starts_at": begin.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (begin + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "item_0": request.GET.get("item", ""),
    }
    form = OrderForm(request.POST or None, items=items, zone=zone, initial=given)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            order = order_create(
                organization_id=reach.organization.id,
                environment=environment,
                client_id=None,
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                customer={name: data[name] for name in ("name", "email", "phone")},
                wanted=[one._replace(item_id=UUID(str(one.item_id))) for one in data["wanted"]],
                notes=data["notes"],
                is_quote="quote" in request.POST,
                actor=actor_of(request).name,
            )
        except DomainError as error:
            form.add_error(None, _told(error, items))
        else:
            messages.success(request, _("Quoted.") if order.status == "quoted" else _("Reserved."))
            return redirect("dashboard-rental", pk=order.id)
    context = {
        "form": form,
        "has_items": bool(items),
        "environment": environment,
        "environments": Environment.choices,
        "zone": zone.key,
        "reach": reach,
    }
    return render(request, "dashboard/rentals/new.html", context, status=422 if form.is_bound else 200)


@require_GET
@reached(*READERS)
def order_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One order: what, when, for whom, how much, its history and what may be done."""
    return _detail(request, reach, pk)


@require_POST
@reached(*GOVERNORS)
def order_change(request: HttpRequest, reach: Reach, pk: UUID, step: str) -> HttpResponse:
    """A step of an order's life: reserve, pick-up, return, close or cancel."""
    order = _order(pk)
    actor = actor_of(request).name
    if step == "return":
        form = ReturnForm(request.POST, lines=list(order.lines.order_by("position")))
        if not form.is_valid():
            return _detail(request, reach, pk, form)
        back = form.back()
        return _done(request, pk, _("Taken back."), lambda: order_return(order=order, back=back, actor=actor))
    if step == "close":
        kept = _amount(request.POST.get("kept", ""), order.currency)
        if kept is None:
            messages.error(request, _("Write the amount of the deposit that is kept, such as 50.00."))
            return redirect("dashboard-rental", pk=pk)
        return _done(
            request,
            pk,
            _("Closed."),
            lambda: order_close(order=order, deposit_kept_minor=kept, actor=actor),
        )
    if step == "cancel":
        cancelling = CancelForm(request.POST)
        reason = cancelling.cleaned_data["reason"] if cancelling.is_valid() else ""
        return _done(
            request, pk, _("Cancelled."), lambda: order_cancel(order=order, reason=reason, actor=actor)
        )
    if step == "pick-up":
        return _done(request, pk, _("Handed over."), lambda: order_pick_up(order=order, actor=actor))
    if step == "reserve":
        return _done(request, pk, _("Reserved."), lambda: order_reserve(order=order, actor=actor))
    raise Http404


def zone_of(reach: Reach) -> ZoneInfo:
    """The time zone a person's calendars are in."""
    return ZoneInfo(reach.organization.time_zone if reach.organization else "UTC")


def _detail(
    request: HttpRequest, reach: Reach, pk: UUID, returning: ReturnForm | None = None
) -> HttpResponse:
    order = _order(pk)
    lines = list(order.lines.order_by("position"))
    now = timezone.now()
    is_over = order.status == Order.Status.QUOTED and order.expires_at and order.expires_at <= now
    context = {
        "order": order,
        "lines": lines,
        "steps": () if is_over else TRANSITIONS[order.status],
        "is_overdue": order.status == Order.Status.PICKED_UP and order.ends_at <= now,
        "returning": returning or ReturnForm(lines=lines),
        "cancelling": CancelForm(),
        "history": order.changes.order_by("-at", "-id"),
        "zone": order.organization.time_zone,
        "starts": order.starts_at.astimezone(ZoneInfo(order.organization.time_zone)).replace(tzinfo=None),
        "ends": order.ends_at.astimezone(ZoneInfo(order.organization.time_zone)).replace(tzinfo=None),
        "reach": reach,
    }
    status = 422 if returning else 200
    return render(request, "dashboard/rentals/detail.html", context, status=status)


def _done(request: HttpRequest, pk: UUID, sentence: str, change: Callable[[], Any]) -> HttpResponse:
    try:
        change()
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, sentence)
    return redirect("dashboard-rental", pk=pk)


def _told(error: DomainError, items: list[Item]) -> str:
    names = {str(item.id): item.name for item in items}
    short = [
        _("%(name)s: %(available)s free") % {"name": names[one["itemId"]], "available": one["available"]}
        for one in error.details.get("lines", ())
    ]
    return " ".join([error.message, "; ".join(short)]).strip()


def _items(reach: Reach) -> Any:
    rows = Item.objects.all()
    return rows.for_organization(reach.organization.id) if reach.organization else rows


def _orders(reach: Reach) -> Any:
    rows = Order.objects.all()
    return rows.for_organization(reach.organization.id) if reach.organization else rows


def _order(pk: UUID) -> Order:
    return get_object_or_404(Order.objects.select_related("organization", "client", "invoice"), pk=pk)


def _environment(request: HttpRequest) -> str:
    given = request.POST.get("environment") or request.GET.get("environment") or ""
    return given if given in Environment.values else Environment.PRODUCTION


def _amount(text: str, currency: str) -> int | None:
    try:
        amount = Decimal(text.strip() or "0").scaleb(get_currency_precision(currency))
        return int(amount) if 0 <= amount < 2**62 else None
    except ArithmeticError:
        return None


def _day(text: str | None) -> date | None:
    try:
        day = parse_date((text or "")[:10])
    except ValueError:
        return None
    return day if day and 2000 <= day.year <= 2200 else None
