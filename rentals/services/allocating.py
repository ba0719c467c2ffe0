"""Taking items off the shelf, and giving them back."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from psycopg.types.range import TimestamptzRange

from rentals.availability import free_of
from rentals.exceptions import NotAvailable
from rentals.models import Allocation, Block, Item, Line, Order

CAPACITY = "rental_capacity"


def items_lock(item_ids: Collection[UUID]) -> dict[UUID, Item]:
    """Lock items in the order that everybody does, before more than one is written to: by id.

    Each change of what is taken locks its item (docs/decisions/0004); two that took each other's second item
    first would wait for good.
    """
    items = Item.objects.filter(id__in=item_ids).order_by("id")
    return {item.id: item for item in items.select_for_update(no_key=True, of=("self",))}


def lines_allocate(lines: Sequence[Line], starts_at: datetime, ends_at: datetime) -> None:
    """Take the lines' items for this time, all or none. Raises NotAvailable (409)."""
    during = TimestamptzRange(starts_at, ends_at)
    rows = [
        Allocation(
            organization_id=line.organization_id,
            environment=line.environment,
            item_id=line.item_id,
            line=line,
            during=during,
            quantity=line.quantity,
        )
        # in one order for everybody, since each locks its item
        for line in sorted(lines, key=lambda line: line.item_id)
    ]
    with _judged(lines, during):
        Allocation.objects.bulk_create(rows)


def lines_pull_forward(lines: Sequence[Line], now: datetime, ends_at: datetime) -> None:
    """Take what is reserved from now on, before its time. Raises NotAvailable (409)."""
    during = TimestamptzRange(now, ends_at)
    with _judged(lines, during):
        for line in sorted(lines, key=lambda line: line.item_id):
            Allocation.objects.filter(line=line).update(during=during)


def lines_release(order: Order) -> None:
    """Give back what an order has reserved."""
    taken = Allocation.objects.filter(line__order=order)
    items_lock(set(taken.values_list("item_id", flat=True)))
    taken.delete()


def line_give_back(line: Line, now: datetime) -> None:
    """Let others have what of a line has come back. Hold its item's lock."""
    allocation = Allocation.objects.get(line=line)
    if line.out_quantity:
        allocation.quantity = line.out_quantity
        allocation.save(update_fields=["quantity", "updated_at"])
    else:
        allocation_end(allocation, now)


def block_allocate(block: Block, *, unplanned: bool) -> None:
    """Take a block's items; raises NotAvailable (409) unless it is a fact."""
    during = TimestamptzRange(block.starts_at, block.ends_at)
    with _judged([block], during):
        Allocation.objects.create(
            organization_id=block.organization_id,
            environment=block.environment,
            item_id=block.item_id,
            block=block,
            during=during,
            quantity=block.quantity,
            unplanned=unplanned,
        )


def allocation_end(allocation: Allocation, now: datetime) -> None:
    """End an allocation now; one that has not begun is gone."""
    lower, upper = allocation.during.lower, allocation.during.upper
    if lower >= now:
        allocation.delete()
    elif upper is None or upper > now:
        allocation.during = TimestamptzRange(lower, now)
        allocation.save(update_fields=["during", "updated_at"])


@contextmanager
def _judged(wanted: Sequence[Line | Block], during: TimestamptzRange) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) != CAPACITY:
            raise
        asked: dict[str, int] = {}
        for one in wanted:
            asked[str(one.item_id)] = asked.get(str(one.item_id), 0) + one.quantity
        free = free_of(list(asked), during)
        short = [
            {"itemId": item_id, "requested": quantity, "available": max(0, free[item_id])}
            for item_id, quantity in asked.items()
            if free[item_id] < quantity
        ]
        raise NotAvailable(lines=short) from error
