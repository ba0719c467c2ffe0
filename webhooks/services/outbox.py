"""The outbox: what happened is written with its change, and fanned out to deliveries afterwards."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.utils import timezone

from config import tenancy
from webhooks.canonical import canonical_json
from webhooks.models import Delivery, Event, Subscription
from webhooks.registry import EventType
from webhooks.services.wake import dispatcher_wake

CALLBACK_ATTEMPTS = 3


def event_emit(
    kind: EventType,
    *,
    subject: Any,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None = None,
) -> Event:
    """Announce that something happened to `subject` (a model instance), in the caller's
    transaction.

    The row commits or vanishes with the change itself; a dispatcher is woken after the commit.
    """
    event = Event.objects.create(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        type=kind.name,
        data=_plain(kind.payload(subject).data),
        subject_id=str(subject.pk),
    )
    dispatcher_wake()
    return event


def callback_schedule(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    url: str,
    event_type: str,
    webhook_id: str,
    payload: dict[str, Any],
    async_job_id: UUID | None = None,
) -> Delivery:
    """Have `payload` posted to one URL, at most three times, in the caller's transaction (contract
    B).

    `webhook_id` is the same in every attempt. The URL is judged when it is dialled.
    Raises ValueError when the payload is not JSON.
    """
    delivery = Delivery.objects.create(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        lane=client_id or organization_id,
        url=url,
        event_type=event_type,
        webhook_id=webhook_id,
        body=canonical_json(payload),
        async_job_id=async_job_id,
        max_attempts=CALLBACK_ATTEMPTS,
        timeout_s=settings.WEBHOOK_TIMEOUT_S,
    )
    dispatcher_wake()
    return delivery


def events_fan_out(*, limit: int = 200) -> int:
    """Make the deliveries of the oldest events that have none yet; answers how many events that
    were.

    Two at once take different events. An event that nobody wants is settled too.
    """
    now = timezone.now()
    with tenancy.operator():
        events = list(
            Event.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(dispatched_at=None)
            .order_by("created_at")[:limit]
        )
        if not events:
            return 0
        organizations = {event.organization_id for event in events}
        subscriptions = list(Subscription.objects.active().filter(organization_id__in=organizations))
        Delivery.objects.bulk_create(_deliveries(events, subscriptions, now))
        Event.objects.filter(id__in=[event.id for event in events]).update(dispatched_at=now)
    return len(events)


def _deliveries(
    events: Iterable[Event], subscriptions: Iterable[Subscription], now: datetime
) -> list[Delivery]:
    made = []
    for event in events:
        wanting = [subscription for subscription in subscriptions if subscription.wants(event)]
        body = event_body(event) if wanting else ""
        made += [
            Delivery(
                organization_id=event.organization_id,
                environment=event.environment,
                event=event,
                subscription=subscription,
                client_id=subscription.client_id,
                lane=subscription.client_id,
                url=subscription.url,
                event_type=event.type,
                webhook_id=str(event.id),
                body=body,
                max_attempts=subscription.max_retries + 1,
                retry_delay_s=subscription.retry_delay_s,
                backoff_multiplier=subscription.backoff_multiplier,
                timeout_s=subscription.timeout_s,
                next_attempt_at=now,
            )
            for subscription in wanting
        ]
    return made


def event_body(event: Event) -> str:
    """An event as it is sent: `{"data", "id", "timestamp", "type"}`, canonical."""
    return canonical_json(
        {
            "id": str(event.id),
            "type": event.type,
            "timestamp": event.created_at.astimezone(UTC),
            "data": event.data,
        }
    )


def _plain(data: Any) -> Any:
    """A serializer's output as plain JSON values, as the column stores them."""
    return orjson.loads(orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z))
