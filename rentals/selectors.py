"""Reads of the inventory: what is free, and what is out."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Q, Sum
from psycopg import Cursor
from psycopg.types.range import TimestamptzRange

from rentals.models import Block, Item, Line, Order

_DAY = timedelta(days=1)
_PEAKS = (
    "SELECT id::text, quantity - rentals_peak(id, tstzrange(%s, %s)) FROM rentals_item WHERE id = ANY(%s)"
)
# Changes of what is taken of an item: each a moment in milliseconds and, in its lowest bits, by how much. So
# they sort as numbers, and what ends makes room for what begins at the same moment.
_BITS = 20
_ZERO = 1 << (_BITS - 1)
_CHANGES = f"""
SELECT item_id::text,
  array_agg((date_part('epoch', greatest(lower(during), %(starts)s)) * 1000)::bigint * {1 << _BITS}
    + {_ZERO} + quantity)
  || array_agg((date_part('epoch', least(upper(during), %(ends)s)) * 1000)::bigint * {1 << _BITS}
    + {_ZERO} - quantity)
FROM rentals_allocation
WHERE organization_id = %(organization)s AND environment = %(environment)s
  AND during && tstzrange(%(starts)s, %(ends)s)
GROUP BY item_id
"""  # noqa: S608 (numbers of our own)


class Stock(NamedTuple):
    """What availability needs to know of an item."""

    id: str
    name: str
    category: str
    quantity: int


def free_of(item_ids: Sequence[str], during: TimestamptzRange) -> dict[str, int]:
    """How many of each item are free for the whole of this time, by item id."""
    with connection.cursor() as cursor:
        cursor.execute(_PEAKS, [during.lower, during.upper, list(map(UUID, item_ids))])
        return dict(cursor.fetchall())


def out_now(item_ids: Sequence[UUID], now: datetime) -> dict[UUID, int]:
    """How many of each item are really not here: handed over, or blocked at this moment."""
    gone = dict.fromkeys(item_ids, 0)
    out = Line.objects.filter(item_id__in=item_ids, order__status=Order.Status.PICKED_UP)
    for item_id, quantity in out.values_list("item_id").annotate(
        out=Sum(F("quantity") - F("returned_quantity"))
    ):
        gone[item_id] += quantity
    blocked = Block.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=now), item_id__in=item_ids, starts_at__lte=now
    )
    for item_id, quantity in blocked.values_list("item_id").annotate(Sum("quantity")):
        gone[item_id] += quantity
    return gone


def days_of(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> list[date]:
    """The days of `zone` that `[starts_at, ends_at)` touches."""
    first = starts_at.astimezone(zone).date()
    last = (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return [first + number * _DAY for number in range((last - first).days + 1)]


def availability(
    stocks: Sequence[Stock],
    starts_at: datetime,
    ends_at: datetime,
    zone: ZoneInfo,
    *,
    organization_id: UUID,
    environment: str,
) -> Iterator[tuple[Stock, int, list[int]]]:
    """How many are free of each item for all of `[starts_at, ends_at)`, and on each of its days in `zone`.

    One statement, whatever the number of items and days.
    """
    asked = {
        "organization": organization_id,
        "environment": environment,
        "starts": starts_at,
        "ends": ends_at,
    }
    connection.ensure_connection()
    with Cursor(connection.connection) as cursor:
        # arrays of numbers are read much faster in their binary form
        cursor.execute(_CHANGES, asked, binary=True)
        changes: dict[str, list[int]] = dict(cursor.fetchall())
    days = days_of(starts_at, ends_at, zone)
    edges = [
        int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000) << _BITS
        for day in days[1:]
    ]
    for stock in stocks:
        taken = _peaks(changes[stock.id], edges) if stock.id in changes else [0] * len(days)
        free = [stock.quantity - peak for peak in taken]
        if min(free) < 0:
            free = [max(0, one) for one in free]
        yield stock, min(free), free


def _peaks(changes: list[int], edges: Sequence[int]) -> list[int]:
    """The most that is taken at any moment of each day; `edges` are where the second and later days begin."""
    changes.sort()
    peaks: list[int] = []
    level = peak = begin = 0
    remaining = iter([*edges, 1 << 63])
    edge = next(remaining)
    for change in changes:
        while change >= edge:
            peaks.append(peak)
            peak, begin = level, edge >> _BITS
            edge = next(remaining)
        level += (change & (2 * _ZERO - 1)) - _ZERO
        # what ends with the day before is not taken on this one
        if level > peak or change >> _BITS == begin:
            peak = level
    peaks.append(peak)
    peaks.extend([level] * (len(edges) + 1 - len(peaks)))
    return peaks


def orders_between(items: Sequence[Item], starts_at: datetime, ends_at: datetime) -> list[dict[str, Any]]:
    """Lines and blocks of these items that touch `[starts_at, ends_at)`, for a calendar, by start."""
    lines = (
        Line.objects.filter(item__in=items, order__in=Order.objects.taking(), order__starts_at__lt=ends_at)
        .filter(Q(order__ends_at__gt=starts_at) | Q(order__status=Order.Status.PICKED_UP))
        .select_related("order")
    )
    blocks = Block.objects.filter(item__in=items, starts_at__lt=ends_at).exclude(ends_at__lte=starts_at)
    found = [
        {
            "item_id": line.item_id,
            "line": line,
            "starts_at": line.order.starts_at,
            "ends_at": line.order.ends_at,
        }
        for line in lines
    ]
    found += [
        {"item_id": block.item_id, "block": block, "starts_at": block.starts_at, "ends_at": block.ends_at}
        for block in blocks
    ]
    return sorted(found, key=lambda one: one["starts_at"])
