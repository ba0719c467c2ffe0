"""What schedules ask for: is there work, and what may go."""

from datetime import datetime

from django.utils import timezone

from config import tenancy
from config.partitions import partitions_drop
from webhooks.models import Delivery, Event

_BATCH = 5_000


def work_is_due() -> bool:
    """Whether a delivery could be claimed or an event fanned out now."""
    with tenancy.operator():
        return (
            Event.objects.filter(dispatched_at=None).exists()
            or Delivery.objects.due(now=timezone.now()).exists()
        )


def history_clean_up(*, before: datetime) -> int:
    """Remove what is older than `before`: attempts by the day, settled deliveries, and events
    without any.

    Answers how many deliveries and events were removed; open deliveries stay, however old.
    """
    partitions_drop(table="webhook_logs", before=before.date())
    removed = 0
    settled = Delivery.objects.filter(created_at__lt=before).exclude(status__in=("PENDING", "RETRYING"))
    spent = Event.objects.filter(created_at__lt=before, dispatched_at__isnull=False, deliveries__isnull=True)
    for rows in (settled, spent):
        while True:
            with tenancy.operator():
                ids = list(rows.values_list("id", flat=True)[:_BATCH])
                removed += rows.model.objects.filter(id__in=ids).delete()[0]
            if len(ids) < _BATCH:
                break
    return removed
