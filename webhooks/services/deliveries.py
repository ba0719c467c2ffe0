"""Deliveries: claimed with a lease, settled while the lease holds, sent again by hand."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID, uuid4

import orjson
from django.db import connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import tenancy
from config.encryption import unseal
from partners.services.audit import Actor, audit_record
from partners.services.clients import webhook_secret_of
from webhooks.models import Delivery, Subscription
from webhooks.services.wake import dispatcher_wake

SUBSCRIPTION_SECRET = "subscription-secret"  # noqa: S105 (the purpose it is sealed for)
# What settling may take after the receiver's time is over; then another dispatcher sends again.
LEASE_MARGIN_S = 15
MAX_WAIT = timedelta(days=1)
_JITTER = 0.1
_GONE = 410

# Lanes are found by hopping along the index of open deliveries, so the cost grows with the number
# of lanes and not of deliveries; random order, or a full house would always serve the same lanes.
_CLAIM = """
WITH RECURSIVE lanes AS (
    (SELECT lane FROM webhooks_delivery WHERE status IN ('PENDING', 'RETRYING')
     ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT (SELECT d.lane FROM webhooks_delivery d
            WHERE d.status IN ('PENDING', 'RETRYING') AND d.lane > lanes.lane
            ORDER BY d.lane LIMIT 1)
    FROM lanes WHERE lanes.lane IS NOT NULL
), free AS MATERIALIZED (
    SELECT lane FROM lanes WHERE lane IS NOT NULL AND lane <> ALL(%(busy)s::uuid[])
    ORDER BY random()
), claimed AS MATERIALIZED (
    SELECT due.id FROM free CROSS JOIN LATERAL (
        SELECT d.id FROM webhooks_delivery d
        WHERE d.lane = free.lane AND d.status IN ('PENDING', 'RETRYING')
          AND d.next_attempt_at <= %(now)s
          AND (d.lease_until IS NULL OR d.lease_until < %(now)s)
        ORDER BY d.next_attempt_at LIMIT %(per_lane)s FOR UPDATE SKIP LOCKED
    ) due LIMIT %(limit)s
)
UPDATE webhooks_delivery d
SET lease_token = %(token)s,
    lease_until = %(now)s + make_interval(secs => d.timeout_s + %(margin)s)
FROM claimed WHERE d.id = claimed.id RETURNING d.id
"""

_LOG = """
INSERT INTO webhook_logs SELECT * FROM jsonb_populate_recordset(NULL::webhook_logs, %s::jsonb)
"""

_SETTLE = """
UPDATE webhooks_delivery d
SET status = s.status, attempt_count = s.attempt_count, next_attempt_at = s.next_attempt_at,
    delivered_at = s.delivered_at, response_code = s.response_code, last_error = s.last_error,
    lease_token = NULL, lease_until = NULL, updated_at = %s
FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::int[],
            %s::text[])
    AS s (id, status, attempt_count, next_attempt_at, delivered_at, response_code, last_error)
WHERE d.id = s.id
"""


# What an attempt and its log row need of a delivery.
_SENT = (
    "organization_id",
    "environment",
    "lane",
    "url",
    "webhook_id",
    "body",
    "async_job_id",
    "attempt_count",
    "max_attempts",
    "retry_delay_s",
    "backoff_multiplier",
    "timeout_s",
    "next_attempt_at",
    "lease_token",
    "lease_until",
)


@dataclass(slots=True)
class Outcome:
    """One attempt and how it ended; `error_code` is empty when the receiver answered 2xx."""

    delivery: Delivery
    started_at: datetime
    latency_ms: float
    http_status: int | None = None
    error_code: str = ""
    error_message: str = ""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""

    @property
    def success(self) -> bool:
        return not self.error_code


def deliveries_claim(
    *, limit: int, per_lane: int | None = None, busy: Collection[UUID] = ()
) -> list[Delivery]:
    """Lease up to `limit` due deliveries, at most `per_lane` of one lane, none of the `busy` lanes.

    No two callers get the same one. The lease outlives the delivery's timeout; what is not settled
    until its end is due again, as the same attempt. Clients and subscriptions come loaded, for
    their secrets.
    """
    token = uuid4()
    with tenancy.operator():
        with connection.cursor() as cursor:
            cursor.execute(
                _CLAIM,
                {
                    "busy": list(busy),
                    "now": timezone.now(),
                    "per_lane": per_lane or limit,
                    "limit": limit,
                    "token": token,
                    "margin": LEASE_MARGIN_S,
                },
            )
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return []
        claimed = (
            Delivery.objects.select_related("client", "subscription")
            .only(*_SENT, "client__webhook_secret_sealed", "subscription__secret_sealed")
            .filter(id__in=ids)
        )
        return list(claimed.order_by("next_attempt_at", "id"))


def delivery_secret(delivery: Delivery) -> str:
    """The secret that signs a delivery: its subscription's, else its client's, else the hub's.

    Raises ValueError when it cannot be opened with FIELD_ENCRYPTION_KEY.
    """
    if delivery.subscription is not None:
        sealed = bytes(delivery.subscription.secret_sealed)
        return unseal(sealed, purpose=SUBSCRIPTION_SECRET).decode()
    return webhook_secret_of(delivery.client)


def attempts_settle(*, outcomes: Sequence[Outcome]) -> int:
    """Log attempts and move their deliveries on, in one transaction; answers how many were ours.

    An outcome whose lease passed to another dispatcher changes nothing: that one's is recorded.
    """
    now = timezone.now()
    by_id = {outcome.delivery.id: outcome for outcome in outcomes}
    with tenancy.operator():
        held = (
            Delivery.objects.select_for_update(of=("self",))
            .filter(id__in=by_id)
            .order_by("id")
            .values_list("id", "lease_token", "max_attempts")
        )
        mine = []
        for delivery_id, lease_token, max_attempts in held:
            outcome = by_id[delivery_id]
            if lease_token == outcome.delivery.lease_token:
                outcome.delivery.max_attempts = max_attempts  # a resend meanwhile may have raised it
                mine.append(outcome)
        if not mine:
            return 0
        states = [_state(outcome, now) for outcome in mine]
        with connection.cursor() as cursor:
            cursor.execute(_LOG, [orjson.dumps([_attempt(outcome) for outcome in mine]).decode()])
            cursor.execute(_SETTLE, [now, *(list(column) for column in zip(*states, strict=True))])
        gone = {
            outcome.delivery.subscription_id
            for outcome in mine
            if outcome.http_status == _GONE and outcome.delivery.subscription_id
        }
        _disable(gone, now)
    return len(mine)


def _state(outcome: Outcome, now: datetime) -> tuple[object, ...]:
    """The delivery's next columns, in the order of _SETTLE."""
    delivery = outcome.delivery
    count = delivery.attempt_count + 1
    status, next_attempt_at, delivered_at = Delivery.Status.FAILED, delivery.next_attempt_at, None
    if outcome.success:
        status, delivered_at = Delivery.Status.DELIVERED, now
    elif count < delivery.max_attempts and outcome.http_status != _GONE:
        status, next_attempt_at = Delivery.Status.RETRYING, now + retry_wait(outcome, now=now)
    return (
        delivery.id,
        str(status),
        count,
        next_attempt_at,
        delivered_at,
        outcome.http_status,
        outcome.error_message[:500],
    )


def retry_wait(outcome: Outcome, *, now: datetime) -> timedelta:
    """How long to wait after a failed attempt: the delivery's schedule with ±10% jitter, and at
    least what the receiver's `Retry-After` asks for; never more than a day.
    """
    delivery = outcome.delivery
    cap = MAX_WAIT.total_seconds()
    try:
        wait_s = delivery.retry_delay_s * delivery.backoff_multiplier**delivery.attempt_count
    except OverflowError:
        wait_s = cap
    wait_s *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 (spreads load, hides nothing)
    asked_s = _retry_after_s(outcome.response_headers.get("retry-after", ""), now=now)
    return timedelta(seconds=min(max(wait_s, asked_s), cap))


def _retry_after_s(value: str, *, now: datetime) -> float:
    if value.isascii() and value.isdecimal():
        return float(value[:12])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0
    return (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()


def _attempt(outcome: Outcome) -> dict[str, object]:
    """The attempt's row, by column."""
    delivery = outcome.delivery
    return {
        "id": uuid7(),
        "organization_id": delivery.organization_id,
        "environment": delivery.environment,
        "delivery_id": delivery.id,
        "webhook_url": delivery.url,
        "http_status": outcome.http_status,
        "attempt_number": delivery.attempt_count + 1,
        "success": outcome.success,
        "error_message": outcome.error_message[:500],
        "created_at": outcome.started_at,
        "async_job_id": delivery.async_job_id,
        "latency_ms": outcome.latency_ms,
        "error_code": outcome.error_code,
        "request_headers": outcome.request_headers,
        "request_body": delivery.body[:16_384],
        "response_headers": outcome.response_headers,
        "response_body": outcome.response_body,
    }


def _disable(subscriptions: set[UUID], now: datetime) -> None:
    """410: the receiver is gone for good, and what else waits for it is not sent."""
    if not subscriptions:
        return
    Subscription.objects.filter(id__in=subscriptions).update(
        status=Subscription.Status.DISABLED, updated_at=now
    )
    Delivery.objects.open().filter(subscription_id__in=subscriptions).update(
        status=Delivery.Status.CANCELED, lease_token=None, lease_until=None, updated_at=now
    )


@transaction.atomic
def delivery_resend(*, delivery_id: UUID, actor: Actor) -> Delivery:
    """Send a delivery again now, with the same id and body, whatever its state; audited.

    One that is being sent this moment is left to that attempt. Raises Delivery.DoesNotExist (404).
    """
    now = timezone.now()
    delivery = Delivery.objects.select_for_update(of=("self",)).get(id=delivery_id)
    before = {"status": delivery.status, "attempt_count": delivery.attempt_count}
    if delivery.lease_until is None or delivery.lease_until < now:
        delivery.status = Delivery.Status.RETRYING if delivery.attempt_count else Delivery.Status.PENDING
        delivery.max_attempts = max(delivery.max_attempts, delivery.attempt_count + 1)
        delivery.next_attempt_at, delivery.delivered_at = now, None
        delivery.save(
            update_fields=[
                "status",
                "max_attempts",
                "next_attempt_at",
                "delivered_at",
                "updated_at",
            ]
        )
    audit_record(
        actor=actor,
        action="delivery.resent",
        target=delivery,
        organization_id=delivery.organization_id,
        before=before,
        after={"status": delivery.status, "attempt_count": delivery.attempt_count},
    )
    dispatcher_wake()
    return delivery


def deliveries_retry_failed(*, since: datetime, limit: int = 10_000) -> list[UUID]:
    """Give each delivery that failed since then one more attempt, due now; answers their ids,
    oldest first.

    Not those whose receiver is gone (410) or whose subscription is paused or disabled.
    """
    now = timezone.now()
    with tenancy.operator():
        failed = list(
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .retriable(since=since)
            .order_by("updated_at")[:limit]
        )
        for delivery in failed:
            delivery.status, delivery.next_attempt_at = Delivery.Status.RETRYING, now
            delivery.max_attempts = delivery.attempt_count + 1
            delivery.updated_at = now
        Delivery.objects.bulk_update(
            failed, ["status", "next_attempt_at", "max_attempts", "updated_at"], batch_size=500
        )
    return [delivery.id for delivery in failed]
