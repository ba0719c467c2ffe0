"""The outbox: what happened is written with its change, and fanned out to deliveries afterwards."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import orjson
from django.conf import settings
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import tenancy
from config.row_inserts import RowInsert
from config.statements import Call
from webhooks.canonical import canonical_json
from webhooks.models import Delivery, Event, Subscription
from webhooks.registry import EventType
from webhooks.services.wake import dispatcher_wake

CALLBACK_ATTEMPTS = 3
_EVENT = RowInsert(Event)


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
    event = Event(**_columns(kind, subject, organization_id, environment, client_id))
    event.save(force_insert=True)
    dispatcher_wake()
    return event


def events_call(happened: Sequence[tuple[EventType, Any]]) -> Call:
    """`events_emit` as one call of the message that writes the change itself.

    Whoever sends it calls `dispatcher_wake` afterwards.
    """
    return _EVENT.call(*(_EVENT.row(**columns) for columns in _columns_of(happened)))


def events_emit(happened: Sequence[tuple[EventType, Any]]) -> None:
    """`event_emit` for many subjects in one statement; each names its own tenant and client."""
    Event.objects.bulk_create(Event(**columns) for columns in _columns_of(happened))
    dispatcher_wake()


def _columns_of(happened: Sequence[tuple[EventType, Any]]) -> Iterator[dict[str, Any]]:
    for kind, subject in happened:
        yield _columns(kind, subject, subject.organization_id, subject.environment, subject.client_id)


def _columns(
    kind: EventType, subject: Any, organization_id: UUID, environment: str, client_id: UUID | None
) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "environment": environment,
        "client_id": client_id,
        "type": kind.name,
        "data": _data(kind, subject),
        "subject_id": str(subject.pk),
    }


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
        lane=callback_lane(client_id or organization_id, url),
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


def callback_lane(owner_id: UUID, url: str) -> UUID:
    """The lane of the callbacks of a client (or an organization) to one host."""
    try:
        host = urlsplit(url).netloc.lower()
    except ValueError:
        host = url
    return uuid5(owner_id, host)


# With the settings that the subscription has in this moment.
_FAN_OUT = """
INSERT INTO webhooks_delivery (
    id, organization_id, environment, created_at, updated_at, event_id, subscription_id, client_id, lane, url,
    event_type, webhook_id, body, occurred_at, status, attempt_count, max_attempts, retry_delay_s,
    backoff_multiplier, timeout_s, next_attempt_at, last_error)
SELECT made.id, e.organization_id, e.environment, %(now)s, %(now)s, e.id, s.id, s.client_id, s.id, s.url,
    e.type, e.id::text, bodies.body, e.created_at, 'PENDING', 0, s.max_retries + 1,
    s.retry_delay_s, s.backoff_multiplier, s.timeout_s, %(now)s, ''
FROM json_to_recordset(%(made)s::json) AS made (id uuid, event_id uuid, subscription_id uuid)
JOIN json_to_recordset(%(bodies)s::json) AS bodies (event_id uuid, body text)
    ON bodies.event_id = made.event_id
JOIN webhooks_event e ON e.id = made.event_id
JOIN webhooks_subscription s ON s.id = made.subscription_id AND s.status <> 'DISABLED'
ON CONFLICT (event_id, subscription_id) DO NOTHING
"""


def events_fan_out(*, limit: int = 500) -> int:
    """Make the deliveries of the oldest events that have none yet; answers how many events that
    were.

    One at a time, whoever calls, so that deliveries are made in the order of their events. An event that
    nobody wants is settled too.
    """
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM webhooks_event WHERE dispatched_at IS NULL)")
        if not cursor.fetchone()[0]:
            return 0
        # a statement of its own: what the one before us made is seen by the next
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('webhooks.fan_out'))")
        undispatched = Event.objects.select_for_update(of=("self",)).filter(dispatched_at=None)
        events = list(undispatched.order_by("created_at", "id")[:limit])
        if not events:
            return 0
        now = timezone.now()
        subscriptions = _subscriptions_by_world({event.organization_id for event in events})
        made: list[dict[str, str]] = []
        bodies: list[dict[str, str]] = []
        for event in events:
            world = subscriptions.get((event.organization_id, event.environment), ())
            wanting = [one for one in world if one.wants(event)]
            if wanting:
                event_id = str(event.id)
                bodies.append({"event_id": event_id, "body": event_body(event)})
                made += [
                    {"id": str(uuid7()), "event_id": event_id, "subscription_id": str(one.id)}
                    for one in wanting
                ]
        if made:
            # as documents: arrays of texts take their driver as long as all the rest
            given = {"made": orjson.dumps(made).decode(), "bodies": orjson.dumps(bodies).decode()}
            cursor.execute(_FAN_OUT, given | {"now": now})
        Event.objects.filter(id__in=[event.id for event in events]).update(dispatched_at=now)
    return len(events)


def _subscriptions_by_world(organizations: set[UUID]) -> dict[tuple[UUID, str], list[Subscription]]:
    # what happens while one is paused waits for it
    listening = Subscription.objects.listening().filter(organization_id__in=organizations)
    wanted = listening.select_related("client").only(
        "organization_id", "environment", "client__scopes", "event_types", "payload_filters"
    )
    worlds: dict[tuple[UUID, str], list[Subscription]] = {}
    for subscription in wanted:
        worlds.setdefault((subscription.organization_id, subscription.environment), []).append(subscription)
    return worlds


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


def _data(kind: EventType, subject: Any) -> Any:
    """What an event says of its subject: plain JSON values, as the column stores them."""
    return orjson.loads(orjson.dumps(kind.payload(subject).data, default=str, option=orjson.OPT_UTC_Z))
