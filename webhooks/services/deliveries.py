"""Deliveries: settled while their lease holds, sent again by hand."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone
from uuid_utils import uuid7

from config import tenancy
from config.outbound.retry_after import retry_after_s
from partners.services.audit import Actor, audit_record
from webhooks.models import Delivery
from webhooks.services.claims import Claimed, subscriptions_let_go
from webhooks.services.endpoints import endpoints_note
from webhooks.services.wake import dispatcher_wake

MAX_WAIT = timedelta(days=1)
_JITTER = 0.1
GONE = 410

# One document holds the attempts as they are logged and how their deliveries move on. What is logged is what
# was moved on: an outcome whose lease passed to another dispatcher is neither.
_SETTLE = """
WITH o AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(outcomes)s::jsonb) AS o (
        id uuid, organization_id uuid, environment text, delivery_id uuid, webhook_url text,
        http_status smallint, attempt_number int, success bool, error_message text, created_at timestamptz,
        async_job_id uuid, latency_ms float, error_code text, request_headers jsonb, request_body text,
        response_headers jsonb, response_body text, token uuid, wait_s float)
), settled AS (
    UPDATE webhooks_delivery d
    SET status = CASE WHEN o.success THEN 'DELIVERED'
                 WHEN o.wait_s IS NOT NULL AND o.attempt_number < d.max_attempts THEN 'RETRYING'
                 ELSE 'FAILED' END,
        next_attempt_at = CASE WHEN o.wait_s IS NOT NULL AND o.attempt_number < d.max_attempts
                          THEN now() + make_interval(secs => o.wait_s) ELSE d.next_attempt_at END,
        delivered_at = CASE WHEN o.success THEN now() END,
        attempt_count = o.attempt_number, response_code = o.http_status, last_error = o.error_message,
        lease_token = NULL, lease_until = NULL, updated_at = now()
    FROM o WHERE d.id = o.delivery_id AND d.lease_token = o.token
    RETURNING d.id
), logged AS (
    INSERT INTO webhook_logs (
        id, organization_id, environment, delivery_id, webhook_url, http_status, attempt_number, success,
        error_message, created_at, async_job_id, latency_ms, error_code, request_headers, request_body,
        response_headers, response_body)
    SELECT o.id, o.organization_id, o.environment, o.delivery_id, o.webhook_url, o.http_status,
        o.attempt_number, o.success, o.error_message, o.created_at, o.async_job_id, o.latency_ms,
        o.error_code, o.request_headers, o.request_body, o.response_headers, o.response_body
    FROM o JOIN settled ON settled.id = o.delivery_id
)
SELECT id::text FROM settled
"""


class Schedule(Protocol):
    """When a delivery is tried again."""

    attempt_count: int
    retry_delay_s: int
    backoff_multiplier: float


@dataclass(slots=True)
class Outcome:
    """One attempt and how it ended; `error_code` is empty when the receiver answered 2xx."""

    delivery: Claimed
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


def attempts_settle(*, outcomes: Sequence[Outcome]) -> int:
    """Log attempts and move their deliveries on, in one transaction; answers how many were ours.

    An outcome whose lease passed to another dispatcher changes nothing: that one's is recorded.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.delivery.id)
    with tenancy.operator(), connection.cursor() as cursor:
        subscriptions_let_go(claimed=[outcome.delivery for outcome in ordered])
        document = orjson.dumps([_record(outcome) for outcome in ordered]).decode()
        cursor.execute(_SETTLE, {"outcomes": document})
        settled = {row[0] for row in cursor.fetchall()}
    # in a transaction of its own, since it locks subscriptions after deliveries
    endpoints_note(
        results=[
            (outcome.delivery.subscription, outcome.error_code, outcome.http_status == GONE)
            for outcome in ordered
            if outcome.delivery.subscription is not None and outcome.delivery.id in settled
        ]
    )
    return len(settled)


def retry_wait(outcome: Outcome, *, now: datetime) -> timedelta:
    """How long to wait after a failed attempt: the delivery's schedule with ±10% jitter, and at
    least what the receiver's `Retry-After` asks for; never more than a day.
    """
    delivery: Schedule = outcome.delivery
    cap = MAX_WAIT.total_seconds()
    try:
        wait_s = delivery.retry_delay_s * delivery.backoff_multiplier**delivery.attempt_count
    except OverflowError:
        wait_s = cap
    wait_s *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 (spreads load, hides nothing)
    asked_s = retry_after_s(outcome.response_headers.get("retry-after", ""), now=now)
    return timedelta(seconds=min(max(wait_s, asked_s), cap))


def _record(outcome: Outcome) -> dict[str, object]:
    """The attempt's row by column, the lease it was made under, and the wait for the next one."""
    delivery = outcome.delivery
    ends = outcome.success or outcome.http_status == GONE
    return {
        "id": str(uuid7()),
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
        "token": str(delivery.lease_token),
        "wait_s": None if ends else retry_wait(outcome, now=timezone.now()).total_seconds(),
    }


@transaction.atomic
def delivery_resend(*, delivery_id: UUID, actor: Actor) -> Delivery:
    """Send a delivery again now, with the same id and body, whatever its state; audited.

    One that is being sent this moment is left to that attempt; one whose subscription is paused or disabled
    waits until that is active again. Raises Delivery.DoesNotExist (404).
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
