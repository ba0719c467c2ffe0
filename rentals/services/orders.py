"""An order's life: quoted or reserved, picked up, returned in parts or whole, closed; or cancelled."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from config.api.exceptions import BusinessRule, NotFound
from invoices.amounts import LineTerms, tax_of
from invoices.models import Invoice
from invoices.services.issuing import credit_note_issue, invoice_issue
from partners.models import Organization
from rentals.events import (
    RENTAL_CANCELLED,
    RENTAL_CLOSED,
    RENTAL_CREATED,
    RENTAL_PICKED_UP,
    RENTAL_QUOTED,
    RENTAL_RETURNED,
)
from rentals.exceptions import InvalidTransition, NotAvailable
from rentals.models import Item, Line, Order, OrderChange
from rentals.prices import price_of
from rentals.selectors import out_now
from rentals.services.allocating import (
    items_lock,
    line_give_back,
    lines_allocate,
    lines_pull_forward,
    lines_release,
)
from rentals.services.items import damage_block
from webhooks.registry import EventType
from webhooks.services import event_emit

Status = Order.Status
# What may follow; a quote ends by itself, too.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.QUOTED: ("reserve", "cancel"),
    Status.RESERVED: ("pick-up", "cancel"),
    Status.PICKED_UP: ("return",),
    Status.RETURNED: ("close",),
    Status.CLOSED: (),
    Status.CANCELLED: (),
    Status.EXPIRED: (),
}
QUOTE_VALID_FOR = timedelta(days=7)
MAX_AHEAD, MAX_DURATION = timedelta(days=731), timedelta(days=366)
# Clocks differ, and people take things with them while the order is typed.
_LATE_START = timedelta(minutes=15)


class Wanted(NamedTuple):
    """So many of an item."""

    item_id: UUID
    quantity: int


class Back(NamedTuple):
    """So many of a line that came back, and how many of these are damaged."""

    line_id: UUID
    quantity: int
    damaged: int


@transaction.atomic
def order_create(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    starts_at: datetime,
    ends_at: datetime,
    customer: dict[str, str],
    wanted: Sequence[Wanted],
    actor: str,
    notes: str = "",
    is_quote: bool = False,
) -> Order:
    """Reserve items, or quote a price that holds for a week without reserving any.

    Raises NotFound (404) for an item the tenant does not have or no longer rents out, NotAvailable (409), and
    BusinessRule (422) with `reason` in_the_past, too_far_ahead, too_long or mixed_currencies.
    """
    now = timezone.now()
    _judge_time(starts_at, ends_at, now)
    items = (
        Item.objects.for_organization(organization_id, environment)
        .active()
        .in_bulk({one.item_id for one in wanted})
    )
    for one in wanted:
        if one.item_id not in items:
            raise NotFound("There is no such item.", itemId=str(one.item_id))
    if len({item.currency for item in items.values()}) > 1:
        message = "Items of different currencies need orders of their own."
        raise BusinessRule(message, reason="mixed_currencies")
    tenant = {"organization_id": organization_id, "environment": environment}
    lines = [
        _line(items[one.item_id], one.quantity, number, ends_at - starts_at)
        for number, one in enumerate(wanted, 1)
    ]
    order = Order(
        **tenant,
        client_id=client_id,
        starts_at=starts_at,
        ends_at=ends_at,
        customer=customer,
        notes=notes,
        status=Status.QUOTED if is_quote else Status.RESERVED,
        expires_at=min(now + QUOTE_VALID_FOR, ends_at) if is_quote else None,
        currency=next(iter(items.values())).currency,
        subtotal_minor=sum(line.subtotal_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        total_minor=sum(line.subtotal_minor + line.tax_minor for line in lines),
        deposit_minor=sum(line.deposit_minor for line in lines),
    )
    order.save(force_insert=True)
    for line in lines:
        line.order = order
    Line.objects.bulk_create(lines)
    if is_quote:
        happened(order, "quoted", RENTAL_QUOTED, actor)
    else:
        _reserve(order, lines, actor)
    return order


@transaction.atomic
def order_reserve(*, order: Order, actor: str) -> Order:
    """Reserve what was quoted, at the quote's prices.

    Raises InvalidTransition (409), also when the quote is over; NotAvailable (409); BusinessRule (422,
    in_the_past).
    """
    order = _locked(order, "reserve")
    _judge_time(order.starts_at, order.ends_at, timezone.now())
    order.status, order.expires_at = Status.RESERVED, None
    order.save(update_fields=["status", "expires_at", "updated_at"])
    _reserve(order, list(order.lines.all()), actor)
    return order


@transaction.atomic
def order_pick_up(*, order: Order, actor: str) -> Order:
    """Hand everything over; before its time where it is free until then.

    Raises InvalidTransition (409), and NotAvailable (409) where others have not brought back, or nobody has
    repaired, what was promised.
    """
    now = timezone.now()
    order = _locked(order, "pick-up")
    lines = list(order.lines.all())
    if now < order.starts_at:
        lines_pull_forward(lines, now, order.ends_at)
    _hand_over(order, lines, now)
    order.status, order.picked_up_at = Status.PICKED_UP, now
    order.save(update_fields=["status", "picked_up_at", "updated_at"])
    happened(order, "picked_up", RENTAL_PICKED_UP, actor)
    return order


@transaction.atomic
def order_return(*, order: Order, back: Sequence[Back] | None, actor: str) -> Order:
    """Take items back: all that is out, or `back`. What is damaged is blocked until somebody ends that.

    The order is returned when nothing is out any more. Raises InvalidTransition (409), NotFound (404) for a
    line the order does not have, BusinessRule (422, more_than_out).
    """
    now = timezone.now()
    order = _locked(order, "return")
    lines = {line.id: line for line in order.lines.select_for_update(of=("self",)).order_by("position")}
    items_lock({line.item_id for line in lines.values()})
    if back is None:
        back = [Back(line.id, line.out_quantity, 0) for line in lines.values() if line.out_quantity]
    told = []
    for one in back:
        line = lines.get(one.line_id)
        if line is None:
            raise NotFound("The order has no such line.", lineId=str(one.line_id))
        if one.quantity > line.out_quantity or one.damaged > one.quantity:
            message = f"Of “{line.name}” {line.out_quantity} are out."
            raise BusinessRule(message, reason="more_than_out", lineId=str(line.id))
        line.returned_quantity += one.quantity
        line.damaged_quantity += one.damaged
        line.save(update_fields=["returned_quantity", "damaged_quantity", "updated_at"])
        line_give_back(line, now)
        if one.damaged:
            damage_block(line=line, quantity=one.damaged, now=now)
        told.append({"name": line.name, "quantity": one.quantity, "damagedQuantity": one.damaged})
    is_whole = not any(line.out_quantity for line in lines.values())
    if is_whole:
        order.status, order.returned_at = Status.RETURNED, now
        order.overdue_at = order.overdue_at or (now if now > order.ends_at else None)
        order.save(update_fields=["status", "returned_at", "overdue_at", "updated_at"])
    happened(order, "returned" if is_whole else "partly_returned", RENTAL_RETURNED, actor, {"lines": told})
    return order


@transaction.atomic
def order_close(*, order: Order, actor: str, deposit_kept_minor: int = 0) -> Order:
    """End an order, and say how much of the deposit is kept.

    Raises InvalidTransition (409), and BusinessRule (422, more_than_deposit).
    """
    order = _locked(order, "close")
    if deposit_kept_minor > order.deposit_minor:
        raise BusinessRule("The deposit was less than that.", reason="more_than_deposit")
    order.status, order.deposit_kept_minor = Status.CLOSED, deposit_kept_minor
    order.save(update_fields=["status", "deposit_kept_minor", "updated_at"])
    happened(order, "closed", RENTAL_CLOSED, actor, {"depositKeptMinor": deposit_kept_minor})
    return order


@transaction.atomic
def order_cancel(*, order: Order, reason: str, actor: str) -> Order:
    """Cancel an order that nobody has picked up: its items are free again, its invoice is credited.

    Raises InvalidTransition (409).
    """
    order = _locked(order, "cancel")
    order.status, order.expires_at, order.cancellation_reason = Status.CANCELLED, None, reason
    order.save(update_fields=["status", "expires_at", "cancellation_reason", "updated_at"])
    lines_release(order)
    if order.invoice:
        credit_note_issue(invoice=order.invoice, reason=reason)
    happened(order, "cancelled", RENTAL_CANCELLED, actor, {"reason": reason})
    return order


def happened(
    order: Order, action: str, event: EventType, actor: str, details: dict[str, Any] | None = None
) -> None:
    """Keep what happened to an order, and announce it."""
    OrderChange.objects.create(
        organization_id=order.organization_id,
        environment=order.environment,
        order=order,
        action=action,
        actor=actor,
        details=details or {},
    )
    event_emit(
        event,
        subject=order,
        organization_id=order.organization_id,
        environment=order.environment,
        client_id=order.client_id,
    )


def _reserve(order: Order, lines: Sequence[Line], actor: str) -> None:
    lines_allocate(lines, order.starts_at, order.ends_at)
    if order.total_minor:
        order.invoice = _invoice(order, lines)
        order.save(update_fields=["invoice", "updated_at"])
    happened(order, "reserved", RENTAL_CREATED, actor)


def _invoice(order: Order, lines: Sequence[Line]) -> Invoice:
    zone = ZoneInfo(Organization.objects.get(id=order.organization_id).time_zone)
    begin, end = (moment.astimezone(zone) for moment in (order.starts_at, order.ends_at))
    period = f"{begin:%d.%m.%Y %H:%M} – {end:%d.%m.%Y %H:%M}"
    return invoice_issue(
        organization_id=order.organization_id,
        environment=order.environment,
        client_id=order.client_id,
        source=order,
        customer=order.customer,
        currency=order.currency,
        lines=[
            LineTerms(f"{line.name}, {period}", line.quantity, line.unit_price_minor, line.tax_rate)
            for line in lines
        ],
    )


def _hand_over(order: Order, lines: Sequence[Line], now: datetime) -> None:
    """Refuse to hand over what is not there, whatever was promised."""
    asked: dict[UUID, int] = {}
    for line in lines:
        asked[line.item_id] = asked.get(line.item_id, 0) + line.quantity
    totals = {item_id: item.quantity for item_id, item in items_lock(asked).items()}
    gone = out_now(list(asked), now)
    short = [
        {"itemId": str(item_id), "requested": quantity, "available": max(0, totals[item_id] - gone[item_id])}
        for item_id, quantity in asked.items()
        if gone[item_id] + quantity > totals[item_id]
    ]
    if short:
        raise NotAvailable("Not enough is here: others have not come back, or are in repair.", lines=short)


def _judge_time(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if starts_at < now - _LATE_START:
        raise BusinessRule("The start is over.", reason="in_the_past")
    if starts_at > now + MAX_AHEAD:
        raise BusinessRule("Orders are taken for two years ahead.", reason="too_far_ahead")
    if ends_at - starts_at > MAX_DURATION:
        raise BusinessRule("An order is for 366 days at most.", reason="too_long")


def _line(item: Item, quantity: int, position: int, duration: timedelta) -> Line:
    unit = price_of(item, duration)
    return Line(
        organization_id=item.organization_id,
        environment=item.environment,
        item=item,
        position=position,
        name=item.name,
        quantity=quantity,
        unit_price_minor=unit,
        tax_rate=item.tax_rate,
        subtotal_minor=unit * quantity,
        tax_minor=tax_of(unit * quantity, item.tax_rate),
        deposit_minor=item.deposit_minor * quantity,
    )


def _locked(order: Order, step: str) -> Order:
    """The order as it is now, locked, if the step may follow."""
    rows = Order.objects.for_organization(order.organization_id, order.environment)
    order = rows.select_for_update(of=("self",)).get(id=order.id)
    is_over = order.status == Status.QUOTED and (order.expires_at or timezone.now()) <= timezone.now()
    status = Status.EXPIRED if is_over else Status(order.status)
    if step not in TRANSITIONS[status]:
        raise InvalidTransition(
            f"The order is {status.label.lower()}.", status=str(status), allowed=list(TRANSITIONS[status])
        )
    return order
