"""What schedules ask for: is there work, and what may go."""

from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from config import tenancy
from config.partitions import partitions_drop
from partners.models import Organization
from partners.services.audit import Actor, audit_record
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

    Answers how many deliveries and events were removed; open deliveries stay, however old, unless their
    subscription is paused or disabled.
    """
    partitions_drop(table="webhook_logs", before=before.date())
    removed = 0
    settled = Delivery.objects.filter(
        ~Q(status__in=("PENDING", "RETRYING")) | Q(subscription__status__in=("PAUSED", "DISABLED")),
        created_at__lt=before,
    )
    spent = Event.objects.filter(created_at__lt=before, dispatched_at__isnull=False, deliveries__isnull=True)
    for rows in (settled, spent):
        while True:
            with tenancy.operator():
                ids = list(rows.values_list("id", flat=True)[:_BATCH])
                removed += rows.model.objects.filter(id__in=ids).delete()[0]
            if len(ids) < _BATCH:
                break
    return removed


def organization_webhooks_erase(*, organization_id: UUID, actor: Actor) -> dict[str, int]:
    """Remove every event, delivery and attempt of an organization, sent or not; audited.

    Subscriptions stay. What is being sent this moment arrives and is recorded nowhere. In steps, which a
    repetition finishes after a crash. Answers how many of each were removed.
    Raises Organization.DoesNotExist (404).
    """
    with tenancy.operator():
        organization = Organization.objects.get(id=organization_id)
    removed = {"events": 0, "deliveries": 0}
    # events first: without them nothing is fanned out any more
    for model in (Event, Delivery):
        while True:
            with tenancy.operator():
                rows = model.objects.filter(organization_id=organization_id)
                ids = list(rows.values_list("id", flat=True)[:_BATCH])
                counts = rows.filter(id__in=ids).delete()[1]
            for kind, label in (("events", Event._meta.label), ("deliveries", Delivery._meta.label)):
                removed[kind] += counts.get(label, 0)
            if len(ids) < _BATCH:
                break
    with tenancy.operator():
        with connection.cursor() as cursor:
            cursor.execute("SELECT hub_erase_webhook_logs(%s)", [organization_id])
            removed["attempts"] = cursor.fetchone()[0]
        audit_record(
            actor=actor,
            action="webhooks.erased",
            target=organization,
            organization_id=organization_id,
            after=removed,
        )
    return removed
