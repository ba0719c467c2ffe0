"""A booking's life: held or made at once, confirmed, moved, cancelled, expired."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone
from psycopg.types.range import TimestamptzRange

from bookings.events import (
    BOOKING_CANCELLED,
    BOOKING_CONFIRMED,
    BOOKING_CREATED,
    BOOKING_EXPIRED,
    BOOKING_RESCHEDULED,
)
from bookings.exceptions import InvalidTransition, SlotTaken
from bookings.models import Booking, BookingChange, Resource
from bookings.opening_hours import Span, is_on_the_grid, is_open
from config import tenancy
from config.api.exceptions import BusinessRule, NotFound
from invoices.amounts import LineTerms
from invoices.services.issuing import credit_note_issue, invoice_issue
from webhooks.registry import EventType
from webhooks.services import event_emit

Status = Booking.Status
Action = BookingChange.Action
# What may follow; a hold ends by itself, too.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.HELD: ("confirm", "reschedule", "cancel"),
    Status.CONFIRMED: ("reschedule", "cancel"),
    Status.CANCELLED: (),
    Status.EXPIRED: (),
}
_EXPIRED_AT_ONCE = 500
SWEEP = "hub"


@transaction.atomic
def booking_create(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    resource_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    customer: dict[str, str],
    actor: str,
    hold_s: int | None = None,
) -> Booking:
    """Book a resource, or with `hold_s` put the time aside for so many seconds.

    Raises NotFound (404) for a resource the tenant does not have, SlotTaken (409), and BusinessRule (422)
    with `reason` resource_inactive, in_the_past, too_far_ahead, outside_opening_hours or not_a_slot.
    """
    now = timezone.now()
    resource = _resource(organization_id, environment, resource_id)
    span = Span(starts_at, ends_at)
    _judge(resource, span, now)
    booking = Booking(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        resource=resource,
        customer=customer,
        status=Status.CONFIRMED if hold_s is None else Status.HELD,
        expires_at=None if hold_s is None else now + timedelta(seconds=hold_s),
    )
    _place(booking, span, now)
    if hold_s is None:
        _invoice(booking)
        _happened(booking, Action.BOOKED, BOOKING_CREATED, actor)
    else:
        _happened(booking, Action.HELD, BOOKING_CREATED, actor)
    return booking


@transaction.atomic
def booking_confirm(*, booking: Booking, actor: str) -> Booking:
    """Confirm a held booking.

    Raises InvalidTransition (409), also when its time was over before anybody noticed.
    """
    now = timezone.now()
    booking = _locked(booking)
    overdue = booking.status == Status.HELD and booking.expires_at and booking.expires_at <= now
    if booking.status != Status.HELD or overdue:
        raise _refused(booking)
    booking.status, booking.expires_at = Status.CONFIRMED, None
    booking.sequence += 1
    booking.save(update_fields=["status", "expires_at", "sequence", "updated_at"])
    _invoice(booking)
    _happened(booking, Action.CONFIRMED, BOOKING_CONFIRMED, actor)
    return booking


@transaction.atomic
def booking_reschedule(
    *,
    booking: Booking,
    starts_at: datetime,
    ends_at: datetime,
    actor: str,
    resource_id: UUID | None = None,
    is_staff: bool = False,
) -> Booking:
    """Move a booking to another time, and to another resource where one is named; its id stays.

    Raises what `booking_create` raises, InvalidTransition (409), and BusinessRule (422, too_late) for
    partners within the resource's notice.
    """
    now = timezone.now()
    # the resource first, as whoever books does
    resource = _resource(booking.organization_id, booking.environment, resource_id or booking.resource_id)
    booking = _locked(booking)
    _expect(booking, "reschedule", now)
    if not is_staff:
        _keep_notice(booking, now)
    span = Span(starts_at, ends_at)
    _judge(resource, span, now)
    before = {
        "startsAt": booking.starts_at.isoformat(),
        "endsAt": booking.ends_at.isoformat(),
        "resourceId": str(booking.resource_id),
    }
    booking.resource = resource
    booking.sequence += 1
    price = booking.price_minor
    _place(booking, span, now)
    if booking.status == Status.CONFIRMED and price != booking.price_minor:
        _credit(booking, "Rescheduled")
        _invoice(booking)
    _happened(booking, Action.MOVED, BOOKING_RESCHEDULED, actor, before)
    return booking


@transaction.atomic
def booking_cancel(*, booking: Booking, reason: str, actor: str, is_staff: bool = False) -> Booking:
    """Cancel a booking and give its time back.

    Raises InvalidTransition (409), and BusinessRule (422, too_late) for partners within the resource's
    notice.
    """
    now = timezone.now()
    booking = _locked(booking)
    _expect(booking, "cancel", now)
    if not is_staff and booking.status == Status.CONFIRMED:
        _keep_notice(booking, now)
    booking.status, booking.expires_at, booking.cancellation_reason = Status.CANCELLED, None, reason
    booking.sequence += 1
    fields = ["status", "expires_at", "cancellation_reason", "sequence", "updated_at"]
    booking.save(update_fields=fields)
    _credit(booking, reason)
    _happened(booking, Action.CANCELLED, BOOKING_CANCELLED, actor, {"reason": reason})
    return booking


def holds_expire() -> int:
    """End holds whose time is over; answers how many. Two at once end each once."""
    with tenancy.operator():
        overdue = Booking.objects.overdue(now=timezone.now()).select_for_update(
            skip_locked=True, of=("self",)
        )
        return _expire(overdue.order_by("expires_at")[:_EXPIRED_AT_ONCE])


def _resource(organization_id: UUID, environment: str, resource_id: UUID) -> Resource:
    """The resource, locked: bookings of one are made one after the other, and the next place is certain."""
    resources = Resource.objects.for_organization(organization_id, environment)
    resource = resources.select_for_update(no_key=True, of=("self",)).filter(id=resource_id).first()
    if resource is None:
        raise NotFound("There is no such resource.")
    return resource


def _locked(booking: Booking) -> Booking:
    rows = Booking.objects.for_organization(booking.organization_id, booking.environment)
    return rows.select_for_update(of=("self",)).select_related("resource").get(id=booking.id)


def _judge(resource: Resource, span: Span, now: datetime) -> None:
    zone = ZoneInfo(resource.time_zone)
    if not resource.is_active:
        raise BusinessRule("The resource cannot be booked at present.", reason="resource_inactive")
    if span.starts_at < now:
        raise BusinessRule("That time is over.", reason="in_the_past")
    if span.ends_at - now > timedelta(days=3660):
        raise BusinessRule("That is too far ahead.", reason="too_far_ahead")
    if not is_open(resource.opening_hours, zone, span):
        raise BusinessRule("The resource is closed then.", reason="outside_opening_hours")
    minutes = resource.slot_minutes
    if minutes and not is_on_the_grid(resource.opening_hours, zone, span, minutes=minutes):
        message = f"The resource is booked in slots of {minutes} minutes."
        raise BusinessRule(message, reason="not_a_slot", slotMinutes=minutes)


def _place(booking: Booking, span: Span, now: datetime) -> None:
    """Give a booking this time in the first free place. Raises SlotTaken (409)."""
    resource = booking.resource
    booking.starts_at, booking.ends_at = span
    until = span.ends_at + timedelta(minutes=resource.buffer_minutes)
    booking.blocks = TimestamptzRange(span.starts_at, until)
    booking.price_minor, booking.currency = _price(resource, span), resource.currency
    others = Booking.objects.filter(resource=resource).blocking(span.starts_at, until)
    _expire(others.overdue(now=now).select_for_update(of=("self",)))
    taken = set(others.holding(now=now).exclude(id=booking.id).values_list("place", flat=True))
    place = next((place for place in range(1, resource.capacity + 1) if place not in taken), None)
    booking.place = place or _make_room(booking, now)
    try:
        with transaction.atomic():
            booking.save()
    except IntegrityError as error:
        if "booking_no_overlap" in str(error):
            raise SlotTaken from error
        raise


def _make_room(booking: Booking, now: datetime) -> int:
    """A place for a booking that finds none free the whole time: others get other places, if that helps.

    Intervals taken in the order of their starts need as many places as are taken at once, and no more.
    Raises SlotTaken (409).
    """
    resource = booking.resource
    mine = (booking.blocks.lower, booking.blocks.upper)
    begin, end = mine
    while True:  # all that overlap with it, one through another
        near = Booking.objects.filter(resource=resource).blocking(begin, end).holding(now=now)
        others = list(near.exclude(id=booking.id).select_for_update(of=("self",)))
        reach = (
            min([begin, *(one.blocks.lower for one in others)]),
            max([end, *(one.blocks.upper for one in others)]),
        )
        if reach == (begin, end):
            break
        begin, end = reach
    spans = sorted(
        [(one.blocks.lower, one.blocks.upper, one) for one in others] + [(*mine, None)], key=itemgetter(0)
    )
    free_at: list[datetime] = []
    found, moved = 0, []
    for lower, upper, other in spans:
        lane = next((number for number, until in enumerate(free_at) if until <= lower), len(free_at))
        if lane == len(free_at):
            free_at.append(upper)
        free_at[lane] = upper
        if lane >= resource.capacity:
            raise SlotTaken
        if other is None:
            found = lane + 1
        elif other.place != lane + 1:
            other.place = lane + 1
            moved.append(other)
    Booking.objects.bulk_update(moved, ["place"], batch_size=len(moved) or None)
    return found


def _price(resource: Resource, span: Span) -> int:
    unit = timedelta(minutes=resource.slot_minutes or 60)
    return resource.price_minor * math.ceil((span.ends_at - span.starts_at) / unit)


def _expect(booking: Booking, step: str, now: datetime) -> None:
    if booking.status == Status.HELD and booking.expires_at and booking.expires_at <= now:
        raise _refused(booking)
    if step not in TRANSITIONS[booking.status]:
        raise _refused(booking)


def _refused(booking: Booking) -> InvalidTransition:
    overdue = booking.status == Status.HELD and booking.expires_at and booking.expires_at <= timezone.now()
    status = Status.EXPIRED if overdue else booking.status
    return InvalidTransition(
        f"The booking is {status}.", status=str(status), allowed=list(TRANSITIONS[status])
    )


def _keep_notice(booking: Booking, now: datetime) -> None:
    notice = timedelta(minutes=booking.resource.notice_minutes)
    if booking.starts_at - now < notice:
        message = f"Changes are possible until {booking.resource.notice_minutes} minutes before the start."
        raise BusinessRule(message, reason="too_late")


def _expire(overdue: Iterable[Booking]) -> int:
    ended = list(overdue)
    for booking in ended:
        booking.status = Status.EXPIRED
        booking.save(update_fields=["status", "updated_at"])
        _happened(booking, Action.EXPIRED, BOOKING_EXPIRED, SWEEP)
    return len(ended)


def _invoice(booking: Booking) -> None:
    """Issue what a confirmed booking costs."""
    booking.invoice = None
    if booking.price_minor:
        resource = booking.resource
        zone = ZoneInfo(resource.time_zone)
        begin, end = (moment.astimezone(zone) for moment in (booking.starts_at, booking.ends_at))
        line = LineTerms(
            f"{resource.name}, {begin:%d.%m.%Y %H:%M} – {end:%d.%m.%Y %H:%M}",
            1,
            booking.price_minor,
            resource.tax_rate,
        )
        booking.invoice = invoice_issue(
            organization_id=booking.organization_id,
            environment=booking.environment,
            client_id=booking.client_id,
            source=booking,
            customer=booking.customer,
            currency=booking.currency,
            lines=[line],
        )
    booking.save(update_fields=["invoice", "updated_at"])


def _credit(booking: Booking, reason: str) -> None:
    if booking.invoice:
        credit_note_issue(invoice=booking.invoice, reason=reason)


def _happened(
    booking: Booking, action: str, event: EventType, actor: str, details: dict[str, Any] | None = None
) -> None:
    BookingChange.objects.create(
        organization_id=booking.organization_id,
        environment=booking.environment,
        booking=booking,
        action=action,
        actor=actor,
        details=details or {},
    )
    event_emit(
        event,
        subject=booking,
        organization_id=booking.organization_id,
        environment=booking.environment,
        client_id=booking.client_id,
    )
