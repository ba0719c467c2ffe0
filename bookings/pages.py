"""Dashboard pages of bookings: the week, a booking, and what can be booked."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bookings.forms import CustomerForm, ReasonForm, ResourceForm, TimeForm
from bookings.models import Booking, Resource
from bookings.opening_hours import clock, day_span
from bookings.selectors import bookings_between, slots_free
from bookings.services.bookings import booking_cancel, booking_confirm, booking_create, booking_reschedule
from bookings.services.resources import resource_create, resource_feed_renew, resource_update
from bookings.week import week_of
from config.api.exceptions import DomainError
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached

_SHOWN = 200


@require_GET
@reached(*READERS)
def calendar(request: HttpRequest, reach: Reach) -> HttpResponse:
    """A week of the reach's bookings, of one resource or of all, in the resource's time zone."""
    resources = list(_resources(reach).select_related("organization").order_by("name", "id")[:_SHOWN])
    chosen = next((one for one in resources if str(one.id) == request.GET.get("resource")), None)
    shown = [chosen] if chosen else resources
    zone_name = shown[0].time_zone if shown else "UTC"
    zone = ZoneInfo(zone_name)
    today = timezone.now().astimezone(zone).date()
    day = _day(request.GET.get("week")) or today
    first = day - timedelta(days=day.weekday())
    begin, end = day_span(zone, first).starts_at, day_span(zone, first + timedelta(days=6)).ends_at
    bookings = bookings_between(begin, end, resource_ids=[one.id for one in shown])
    context = {
        "resources": resources,
        "chosen": chosen,
        "zone": zone_name,
        "week": week_of(first, bookings, zone),
        "count": len(bookings),
        "today": today,
        "first": first,
        "last": first + timedelta(days=6),
        "before": first - timedelta(days=7),
        "after": first + timedelta(days=7),
        "upcoming": bookings,
        "reach": reach,
        "tab": "calendar",
    }
    return render(request, "dashboard/bookings/calendar.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def booking_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Book by hand: a resource, a day, one of its free times, and for whom."""
    resources = list(
        _resources(reach).active().select_related("organization").order_by("name", "id")[:_SHOWN]
    )
    if not resources:
        return redirect("dashboard-resource-new")
    given = request.POST if request.method == "POST" else request.GET
    resource = next((one for one in resources if str(one.id) == given.get("resource")), resources[0])
    day, free = _free_times(resource, given.get("day"))
    time_form = TimeForm(request.POST or None, resource=resource, day=day, free=free)
    customer = CustomerForm(request.POST or None)
    if request.method == "POST" and time_form.is_valid() and customer.is_valid():
        starts_at, ends_at = time_form.times()
        try:
            booking = booking_create(
                organization_id=resource.organization_id,
                environment=resource.environment,
                client_id=None,
                resource_id=resource.id,
                starts_at=starts_at,
                ends_at=ends_at,
                customer=customer.cleaned_data,
                actor=actor_of(request).name,
            )
        except DomainError as error:
            time_form.add_error(None, error.message)
        else:
            messages.success(request, _("Booked."))
            return redirect("dashboard-booking", pk=booking.id)
    context = {
        "resources": resources,
        "resource": resource,
        "day": day,
        "form": time_form,
        "customer": customer,
        "reach": reach,
    }
    return render(request, "dashboard/bookings/new.html", context, status=422 if time_form.is_bound else 200)


@require_GET
@reached(*READERS)
def booking_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One booking: when, for whom, its history, and what may be done."""
    return _detail(request, reach, _booking(pk))


@require_POST
@reached(*GOVERNORS)
def booking_cancel_page(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Cancel, whatever the notice."""
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    return _done(
        request,
        pk,
        _("Cancelled. The time is free again."),
        lambda booking: booking_cancel(
            booking=booking, reason=reason, actor=actor_of(request).name, is_staff=True
        ),
    )


@require_POST
@reached(*GOVERNORS)
def booking_confirm_page(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Confirm a held time."""
    return _done(
        request,
        pk,
        _("Confirmed."),
        lambda booking: booking_confirm(booking=booking, actor=actor_of(request).name),
    )


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def booking_move(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Move a booking to another free time of its resource."""
    booking = _booking(pk)
    resource = booking.resource
    given = request.POST if request.method == "POST" else request.GET
    zone = ZoneInfo(resource.time_zone)
    day, free = _free_times(
        resource, given.get("day") or booking.starts_at.astimezone(zone).date().isoformat()
    )
    form = TimeForm(request.POST or None, resource=resource, day=day, free=free)
    if request.method == "POST" and form.is_valid():
        starts_at, ends_at = form.times()
        try:
            booking_reschedule(
                booking=booking,
                starts_at=starts_at,
                ends_at=ends_at,
                actor=actor_of(request).name,
                is_staff=True,
            )
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("Moved."))
            return redirect("dashboard-booking", pk=pk)
    context = {"booking": booking, "resource": resource, "day": day, "form": form, "reach": reach}
    return render(request, "dashboard/bookings/move.html", context, status=422 if form.is_bound else 200)


@require_GET
@reached(*READERS)
def resource_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """What can be booked."""
    resources = _resources(reach).select_related("organization").order_by("name", "id")[:_SHOWN]
    context = {"resources": resources, "reach": reach, "tab": "resources"}
    return render(request, "dashboard/bookings/resources.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def resource_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The form of a new resource; of the organization the person is in."""
    if reach.organization is None:
        raise Http404
    form = ResourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = resource_create(
            organization_id=reach.organization.id,
            environment=form.cleaned_data["environment"],
            actor=actor_of(request),
            **form.terms(),
        )
        messages.success(request, _("The resource can be booked."))
        return redirect("dashboard-resource", pk=made.id)
    return _resource_form(request, reach, form)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def resource_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The form of a resource."""
    resource = get_object_or_404(Resource.objects.select_related("organization"), pk=pk)
    form = ResourceForm(request.POST or None, instance=resource)
    if request.method == "POST" and form.is_valid():
        resource_update(resource_id=pk, actor=actor_of(request), **form.terms())
        messages.success(request, _("The resource is changed."))
        return redirect("dashboard-resource", pk=pk)
    return _resource_form(request, reach, form, resource)


@never_cache
@require_POST
@reached(*GOVERNORS)
def resource_feed_new(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A new address of a resource's calendar, shown once."""
    resource = get_object_or_404(Resource.objects.select_related("organization"), pk=pk)
    token = resource_feed_renew(resource_id=pk, actor=actor_of(request))
    address = settings.HUB_URL.rstrip("/") + reverse("resource-feed", args=[token])
    return _resource_form(request, reach, ResourceForm(instance=resource), resource, feed=address)


def _resources(reach: Reach) -> Any:
    rows = Resource.objects.all()
    return rows.for_organization(reach.organization.id) if reach.organization else rows


def _booking(pk: UUID) -> Booking:
    rows = Booking.objects.select_related("resource", "client", "organization", "invoice")
    return get_object_or_404(rows, pk=pk)


def _detail(request: HttpRequest, reach: Reach, booking: Booking) -> HttpResponse:
    zone = ZoneInfo(booking.resource.time_zone)
    now = timezone.now()
    open_hold = booking.status == Booking.Status.HELD and (booking.expires_at or now) > now
    context = {
        "booking": booking,
        "starts": clock(booking.starts_at, zone),
        "ends": clock(booking.ends_at, zone),
        "history": booking.changes.order_by("-at", "-id"),
        "may_confirm": open_hold,
        "may_change": open_hold or booking.status == Booking.Status.CONFIRMED,
        "reason": ReasonForm(),
        "reach": reach,
    }
    return render(request, "dashboard/bookings/detail.html", context)


def _done(request: HttpRequest, pk: UUID, sentence: str, change: Any) -> HttpResponse:
    booking = _booking(pk)
    try:
        change(booking)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, sentence)
    return redirect("dashboard-booking", pk=pk)


def _free_times(resource: Resource, text: str | None) -> tuple[date, list[Any]]:
    today = timezone.now().astimezone(ZoneInfo(resource.time_zone)).date()
    day = _day(text) or today
    return day, slots_free(resource, first=day, last=day)


def _day(text: str | None) -> date | None:
    """A date of the years that calendars of ours show."""
    try:
        day = parse_date((text or "")[:10])
    except ValueError:
        return None
    return day if day and 2000 <= day.year <= 2200 else None


def _resource_form(
    request: HttpRequest,
    reach: Reach,
    form: ResourceForm,
    resource: Resource | None = None,
    feed: str = "",
) -> HttpResponse:
    context = {"form": form, "resource": resource, "feed": feed, "reach": reach}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "dashboard/bookings/resource_form.html", context, status=status)
