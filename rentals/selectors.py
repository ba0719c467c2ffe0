"""Reads of the inventory: what is free, and what is out."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Q, Sum
from psycopg.types.range import TimestamptzRange

from rentals.models import Block, Item, Line, Order

_DAY = timedelta(days=1)
_PEAKS = "SELECT id::text, quantity - rentals_peak(id, %s) FROM rentals_item WHERE id = ANY(%s)"
# Changes of what is taken of each item, in the order of time; what ends makes room for what begins then.
_CHANGES = """
SELECT item_id::text, array_agg(at ORDER BY at, change), array_agg(change ORDER BY at, change)
FROM (
  SELECT item_id, extract(epoch FROM greatest(lower(during), %(starts)s))::float8 AS at, quantity AS change
  FROM rentals_allocation WHERE item_id = ANY(%(items)s) AND during && tstzrange(%(starts)s, %(ends)s)
  UNION ALL
  SELECT item_id, extract(epoch FROM upper(during))::float8, -quantity
  FROM rentals_allocation WHERE item_id = ANY(%(items)s) AND during && tstzrange(%(starts)s, %(ends)s)
    AND upper(during) < %(ends)s
) AS changes
GROUP BY item_id
"""


class Availability(NamedTuple):
    """How many of an item are free for all of the time asked for, and on each of its days."""

    item: Item
    free: int
    days: list[int]


def free_of(item_ids: Sequence[str], during: TimestamptzRange) -> dict[str, int]:
    """How many of each item are free for the whole of this time, by item id."""
    with connection.cursor() as cursor:
        cursor.execute(_PEAKS, [during, list(map(UUID, item_ids))])
        return dict(cursor.fetchall())


def out_now(item_ids: Sequence[UUID], now: datetime) -> dict[UUID, int]:
    """How many of each item are really not here: handed over, or blocked at this moment."""
    gone = dict.fromkeys(item_ids, 0)
    out = Line.objects.filter(item_id__in=item_ids, order__status=Order.Status.PICKED_UP)
    for item_id, quantity in out.values_list("item_id").annotate(Sum(F("quantity") - F("returned_quantity"))):
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
    items: Sequence[Item], starts_at: datetime, ends_at: datetime, zone: ZoneInfo
) -> Iterator[Availability]:
    """What is free of each item in `[starts_at, ends_at)`, by the days of `zone`; in the items' order.

    One statement, whatever the number of items and days.
    """
    with connection.cursor() as cursor:
        asked = {"items": [item.id for item in items], "starts": starts_at, "ends": ends_at}
        # arrays of numbers are read four times as fast in their binary form
        cursor.cursor.execute(_CHANGES, asked, binary=True)
        changes = {item_id: (times, deltas) for item_id, times, deltas in cursor.fetchall()}
    days = days_of(starts_at, ends_at, zone)
    edges = [datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() for day in days[1:]]
    edges.append(float("inf"))
    for item in items:
        peaks = _peaks(*changes.get(str(item.id), ((), ())), edges)
        yield Availability(
            item, max(0, item.quantity - max(peaks)), [max(0, item.quantity - peak) for peak in peaks]
        )


def _peaks(times: Sequence[float], changes: Sequence[int], edges: Sequence[float]) -> list[int]:
    """The most that is taken at any moment of each day; `edges` are the days' ends."""
    peaks: list[int] = []
    level = peak = 0
    remaining = iter(edges)
    edge = next(remaining)
    for at, change in zip(times, changes, strict=True):
        while at >= edge:
            peaks.append(peak)
            peak = level
            edge = next(remaining)
        level += change
        if level > peak:
            peak = level
    peaks.append(peak)
    peaks.extend([level] * (len(edges) - len(peaks)))
    return peaks


def categories(organization_id: UUID, environment: str) -> list[str]:
    """The categories items are in, by name."""
    rows = Item.objects.for_organization(organization_id, environment).exclude(category="")
    return list(rows.order_by("category").values_list("category", flat=True).distinct())


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
