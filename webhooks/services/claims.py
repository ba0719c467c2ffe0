"""Which deliveries a dispatcher sends next: fair between endpoints, in order and in pace where asked.

A lane is one endpoint. `lanes_with_work` finds those that have something to send, `deliveries_claim` leases a
number of deliveries of each. An ordered or paced endpoint is claimed under the lock of its subscription, so
that all dispatchers together keep its order and its pace; the many others know no lock but their rows'.
"""

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection

from config import tenancy
from partners.models import ApiClient
from partners.services.clients import WEBHOOK_SECRET_FIELDS
from webhooks.models import Delivery, Subscription

# What settling may take after the receiver's time is over; then another dispatcher sends again.
LEASE_MARGIN_S = 15
# A paced attempt begins at its moment or at most this much later, else it is given back. Moments lie so far
# apart that even then no second sees more of them than it may.
PACE_TOLERANCE_S = 0.1
# Paced attempts are claimed this long before their moment, since they occupy a sender meanwhile.
PACE_AHEAD_S = 0.25

# Lanes are found by hopping along the index of open deliveries: the cost grows with the number of lanes and
# not of deliveries.
_LANES = """
WITH RECURSIVE hop AS (
    (SELECT organization_id, lane, client_id, subscription_id, next_attempt_at FROM webhooks_delivery
     WHERE status IN ('PENDING', 'RETRYING') ORDER BY organization_id, lane, next_attempt_at LIMIT 1)
    UNION ALL
    SELECT following.* FROM hop CROSS JOIN LATERAL (
        SELECT organization_id, lane, client_id, subscription_id, next_attempt_at FROM webhooks_delivery
        WHERE status IN ('PENDING', 'RETRYING') AND (organization_id, lane) > (hop.organization_id, hop.lane)
        ORDER BY organization_id, lane, next_attempt_at LIMIT 1
    ) following
)
SELECT hop.organization_id::text, COALESCE(hop.client_id, hop.organization_id)::text, hop.lane::text,
       COALESCE(s.is_ordered OR s.rate_per_second IS NOT NULL, false)
FROM hop LEFT JOIN webhooks_subscription s ON s.id = hop.subscription_id
WHERE hop.next_attempt_at <= now() AND (s.id IS NULL OR s.status = 'ACTIVE')
"""

# Statistics lag behind a table that fills and empties within seconds, and a plan that sorts all that waits
# takes minutes at 100,000: the index gives the order.
_BY_INDEX = """
SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_sort', 'off', true)
"""

_LEASE = """
UPDATE webhooks_delivery d
SET lease_token = %(token)s, lease_until = now() + make_interval(secs => d.timeout_s + %(margin)s)
FROM claimed WHERE d.id = claimed.id
RETURNING d.id::text, d.organization_id::text, d.environment, d.client_id::text, d.subscription_id::text,
    d.lane::text, d.url, d.webhook_id, d.body, d.async_job_id::text, d.attempt_count, d.max_attempts,
    d.retry_delay_s, d.backoff_multiplier, d.timeout_s
"""

_CLAIM = f"""
WITH claimed AS MATERIALIZED (
    SELECT due.id FROM unnest(%(organizations)s::uuid[], %(lanes)s::uuid[], %(numbers)s::int[])
        AS wanted (organization_id, lane, number)
    CROSS JOIN LATERAL (
        SELECT d.id FROM webhooks_delivery d
        WHERE d.organization_id = wanted.organization_id AND d.lane = wanted.lane
          AND d.status IN ('PENDING', 'RETRYING') AND d.next_attempt_at <= now()
          AND (d.lease_until IS NULL OR d.lease_until < now())
        ORDER BY d.next_attempt_at LIMIT wanted.number FOR UPDATE SKIP LOCKED
    ) due
)
{_LEASE}
"""  # noqa: S608 (ours)

# The oldest open delivery, or nothing while it waits.
_CLAIM_HEAD = f"""
WITH head AS MATERIALIZED (
    SELECT id FROM webhooks_delivery WHERE lane = %(lane)s AND status IN ('PENDING', 'RETRYING')
    ORDER BY occurred_at, id LIMIT 1
), claimed AS MATERIALIZED (
    SELECT d.id FROM webhooks_delivery d WHERE d.id = (SELECT id FROM head)
      AND d.status IN ('PENDING', 'RETRYING') AND d.next_attempt_at <= now()
      AND (d.lease_until IS NULL OR d.lease_until < now())
    FOR UPDATE SKIP LOCKED
)
{_LEASE}
"""  # noqa: S608 (ours)


class Lane(NamedTuple):
    """An endpoint with something to send, and whose it is: ids as text. `is_governed`: ordered or paced."""

    organization: str
    client: str
    lane: str
    is_governed: bool


@dataclass(slots=True)
class Claimed:
    """A leased delivery, with what its attempt needs; ids as text.

    A paced one may start from `start_after` to `start_before`, on this machine's `time.monotonic()`.
    """

    id: str
    organization_id: str
    environment: str
    client_id: str | None
    subscription_id: str | None
    lane: str
    url: str
    webhook_id: str
    body: str
    async_job_id: str | None
    attempt_count: int
    max_attempts: int
    retry_delay_s: int
    backoff_multiplier: float
    timeout_s: int
    lease_token: UUID
    subscription: Subscription | None = None
    client: ApiClient | None = None
    start_after: float = 0.0
    start_before: float | None = None
    # as the subscription's, where it is ordered
    held_until: datetime | None = None


class Claim(NamedTuple):
    """`is_pace_awaited`: more is due, and its moment comes soon."""

    deliveries: list[Claimed]
    is_pace_awaited: bool


def lanes_with_work() -> list[Lane]:
    """Every endpoint that has a delivery due, also if all of these are being sent; in random order."""
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        cursor.execute(_LANES)
        lanes = [Lane(*row) for row in cursor.fetchall()]
    random.shuffle(lanes)
    return lanes


def deliveries_claim(*, wanted: Mapping[Lane, int]) -> Claim:
    """Lease up to so many due deliveries of each lane; subscriptions and clients come loaded.

    No two callers get the same one. A lease outlives the delivery's timeout; what is not settled until its
    end is due again, as the same attempt.
    """
    token = uuid4()
    free = [lane for lane in wanted if not lane.is_governed]
    governed = [lane for lane in wanted if lane.is_governed]
    claimed: list[Claimed] = []
    is_pace_awaited = False
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        if free:
            cursor.execute(
                _CLAIM,
                {
                    "organizations": [lane.organization for lane in free],
                    "lanes": [lane.lane for lane in free],
                    "numbers": [wanted[lane] for lane in free],
                    "token": token,
                    "margin": LEASE_MARGIN_S,
                },
            )
            claimed += _claimed(cursor, token)
        if governed:
            mine, is_pace_awaited = _claim_governed(
                cursor, {lane.lane: wanted[lane] for lane in governed}, token
            )
            claimed += mine
        _load_senders(claimed)
    return Claim(claimed, is_pace_awaited)


def _claim_governed(cursor: Any, wanted: Mapping[str, int], token: UUID) -> Claim:
    before = time.monotonic()
    subscriptions = list(
        Subscription.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .active()
        .filter(id__in=wanted)
        .only("is_ordered", "rate_per_second", "paced_until", "held_until")
        .order_by("id")
    )
    # of after the locks, since other dispatchers' claims are as old as these
    cursor.execute("SELECT clock_timestamp()")
    now = cursor.fetchone()[0]
    after = time.monotonic()
    claimed: list[Claimed] = []
    is_pace_awaited = False
    for subscription in subscriptions:
        if subscription.is_ordered and subscription.held_until and subscription.held_until > now:
            continue
        moments = _moments(subscription, now, 1 if subscription.is_ordered else wanted[str(subscription.id)])
        is_pace_awaited |= not moments
        mine = _claim_of(cursor, subscription, len(moments), token)
        if not mine:
            continue
        changed: dict[str, datetime] = {}
        if subscription.is_ordered:
            mine[0].held_until = now + timedelta(seconds=mine[0].timeout_s + LEASE_MARGIN_S)
            changed["held_until"] = mine[0].held_until
        if subscription.rate_per_second:
            changed["paced_until"] = moments[len(mine) - 1] + _pace(subscription)
            for delivery, moment in zip(mine, moments, strict=False):
                delay_s = (moment - now).total_seconds()
                delivery.start_after = after + delay_s
                delivery.start_before = before + delay_s + PACE_TOLERANCE_S
        Subscription.objects.filter(id=subscription.id).update(**changed)
        claimed += mine
    return Claim(claimed, is_pace_awaited)


def _moments(subscription: Subscription, now: datetime, number: int) -> list[datetime]:
    """When the next attempts may start, at most `number` and not far ahead."""
    if not subscription.rate_per_second:
        return [now] * number
    pace = _pace(subscription)
    first = max(now, subscription.paced_until or now)
    moments = (first + pace * index for index in range(number))
    return [moment for moment in moments if moment <= now + timedelta(seconds=PACE_AHEAD_S)]


def _pace(subscription: Subscription) -> timedelta:
    return timedelta(seconds=(1 + PACE_TOLERANCE_S) / (subscription.rate_per_second or 1))


def _claim_of(cursor: Any, subscription: Subscription, number: int, token: UUID) -> list[Claimed]:
    if not number:
        return []
    given = {"token": token, "margin": LEASE_MARGIN_S}
    if subscription.is_ordered:
        cursor.execute(_CLAIM_HEAD, {"lane": subscription.id, **given})
    else:
        organizations, lanes = [subscription.organization_id], [subscription.id]
        cursor.execute(_CLAIM, {"organizations": organizations, "lanes": lanes, "numbers": [number], **given})
    return _claimed(cursor, token)


def _claimed(cursor: Any, token: UUID) -> list[Claimed]:
    rows: list[Any] = cursor.fetchall()
    return [Claimed(*(*row, token)) for row in rows]


def _load_senders(claimed: Sequence[Claimed]) -> None:
    """Give each delivery its subscription, or its client where it has none: their secrets as of now."""
    subscriptions = {
        str(subscription.id): subscription
        for subscription in Subscription.objects.defer("payload_filters", "metadata", "event_types").filter(
            id__in={delivery.subscription_id for delivery in claimed if delivery.subscription_id}
        )
    }
    clients = {
        str(client.id): client
        for client in ApiClient.objects.only(*WEBHOOK_SECRET_FIELDS).filter(
            id__in={one.client_id for one in claimed if one.client_id and not one.subscription_id}
        )
    }
    for delivery in claimed:
        delivery.subscription = subscriptions.get(delivery.subscription_id or "")
        delivery.client = clients.get(delivery.client_id or "")


def deliveries_release(*, claimed: Sequence[Claimed]) -> None:
    """Give back what was not sent after all: it is due as before."""
    with tenancy.operator():
        subscriptions_let_go(claimed=claimed)
        for delivery in claimed:
            Delivery.objects.filter(id=delivery.id, lease_token=delivery.lease_token).update(
                lease_token=None, lease_until=None
            )


def subscriptions_let_go(*, claimed: Iterable[Claimed]) -> None:
    """Let the next delivery of these ordered subscriptions be claimed once the transaction commits.

    Called before their deliveries are touched: a subscription's row is locked before its deliveries' rows.
    """
    for delivery in sorted(claimed, key=attrgetter("lane")):
        if delivery.subscription_id and delivery.held_until:
            held = Subscription.objects.filter(id=delivery.subscription_id, held_until=delivery.held_until)
            held.update(held_until=None)
