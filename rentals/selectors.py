"""Reads of the inventory: what is out, and when (what is free: rentals/availability.py)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, Sum

from rentals.models import Block, Item, Line, Order


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
