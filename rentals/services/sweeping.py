"""What time does to orders: quotes end, and what did not come back is overdue."""

from datetime import datetime, timedelta

from django.utils import timezone
from psycopg.types.range import TimestamptzRange

from config import tenancy
from rentals.events import RENTAL_EXPIRED, RENTAL_OVERDUE
from rentals.models import Allocation, Order
from rentals.services.allocating import items_lock
from rentals.services.orders import happened

# What is overdue is counted on by nobody for as long; and for as long again, if it stays away.
OVERDUE_HOLD = timedelta(hours=24)
_AT_ONCE = 500
SWEEP = "hub"


def orders_sweep() -> tuple[int, int]:
    """End quotes and flag overdue orders; answers how many of each. Two at once do each once."""
    now = timezone.now()
    with tenancy.operator():
        expired = _expire(now)
    with tenancy.operator():
        return expired, _flag(now)


def _expire(now: datetime) -> int:
    rows = Order.objects.expired(now=now).select_for_update(skip_locked=True, of=("self",))
    orders = list(rows.order_by("expires_at")[:_AT_ONCE])
    for order in orders:
        order.status = Order.Status.EXPIRED
        order.save(update_fields=["status", "updated_at"])
        happened(order, "expired", RENTAL_EXPIRED, SWEEP)
    return len(orders)


def _flag(now: datetime) -> int:
    locked = Order.objects.overdue(now=now).select_for_update(skip_locked=True, of=("self",))
    orders = list(locked.filter(overdue_at=None).order_by("ends_at")[:_AT_ONCE])
    for order in orders:
        order.overdue_at = now
        order.save(update_fields=["overdue_at", "updated_at"])
        happened(order, "overdue", RENTAL_OVERDUE, SWEEP)
    late = Allocation.objects.filter(
        line__order__status=Order.Status.PICKED_UP,
        line__order__ends_at__lte=now,
        during__endswith__lte=now + OVERDUE_HOLD / 2,
    )
    # the items first, as whoever takes something back does
    items_lock(set(late.values_list("item_id", flat=True)))
    rows = list(late.select_for_update(skip_locked=True, of=("self",)).order_by("id")[: 10 * _AT_ONCE])
    for allocation in rows:
        allocation.during = TimestamptzRange(allocation.during.lower, now + OVERDUE_HOLD)
        allocation.unplanned = True
    Allocation.objects.bulk_update(rows, ["during", "unplanned"], batch_size=_AT_ONCE)
    return len(orders)
