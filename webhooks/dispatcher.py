"""The dispatcher: claims due deliveries in batches, sends them at once, settles them in batches.

One event loop sends; threads of its own talk to the database, so no connection waits for a
receiver and no transaction is open during HTTP. Any number of dispatchers may run beside each
other.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog
from django.db import connection
from django.utils import timezone

from config import tenancy
from webhooks.models import Delivery
from webhooks.outbound.asynchronous import OutboundClient
from webhooks.outbound.errors import OutboundError
from webhooks.services.deliveries import (
    Outcome,
    attempts_settle,
    deliveries_claim,
    deliveries_retry_failed,
    delivery_secret,
)
from webhooks.services.outbox import events_fan_out
from webhooks.signing import signed_headers

log = structlog.get_logger(__name__)
T = TypeVar("T")

SLOTS = 256
# Longer, and a worker could not stop in time; the sweep or the next wake-up goes on.
MAX_DRAIN_S = 30
_BATCH = 128
# How long answers are gathered before they are settled together, and how often new work is looked
# for while slow receivers hold slots.
_GATHER_S = 0.01
_LOOK_S = 0.25
# A lane may hold slots while it has fewer than twice those that are free, so that any number of
# lanes with dead receivers leaves some to the others (Choudhury and Hahne, Dynamic Queue Length
# Thresholds for Shared-Memory Packet Switches, 1998).
_SHARE = 2


def drain(*, slots: int = SLOTS, max_s: float = MAX_DRAIN_S) -> int:
    """Fan out events and send what is due until nothing is; answers how many attempts were settled.

    Stops taking new work after `max_s` and ends what it took.
    """
    return asyncio.run(_Drain(slots).run(max_s))


def retry_failed(*, since: datetime) -> dict[str, int]:
    """Give each delivery that failed since then one more attempt and wait for it; answers how many
    these were in `total`, and of them `successful` and `failed`.
    """
    ids = deliveries_retry_failed(since=since)
    retried = Delivery.objects.filter(id__in=ids)
    while ids:
        drain()
        with tenancy.operator():
            if not retried.open().exists():
                break
        time.sleep(_LOOK_S)  # another dispatcher is sending some of them
    with tenancy.operator():
        successful = retried.filter(status=Delivery.Status.DELIVERED).count()
    return {"total": len(ids), "successful": successful, "failed": len(ids) - successful}


class _Drain:
    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._database = ThreadPoolExecutor(2, thread_name_prefix="dispatcher-database")
        self._sending: set[asyncio.Task[None]] = set()
        self._lanes: Counter[UUID] = Counter()
        self._outcomes: list[Outcome] = []
        self._answered = asyncio.Event()
        self._settled = 0

    async def run(self, max_s: float) -> int:
        end = time.monotonic() + max_s
        with self._database:
            async with OutboundClient() as client:
                while True:
                    claimed, _ = await asyncio.gather(self._claim(end), self._settle())
                    for delivery in claimed:
                        self._start(client, delivery)
                    if not self._sending and not self._outcomes:
                        return self._settled
                    await self._gather()

    async def _claim(self, end: float) -> list[Delivery]:
        free = self._slots - len(self._sending)
        allowance = _SHARE * free
        if not free or time.monotonic() >= end:
            return []
        busy = [lane for lane, held in self._lanes.items() if held >= allowance]
        limit = min(free, _BATCH)
        # two thirds is what one lane alone comes to hold
        per_lane = max(1, limit * _SHARE // (_SHARE + 1))

        def fan_out_and_claim() -> list[Delivery]:
            events_fan_out()
            return deliveries_claim(limit=limit, per_lane=per_lane, busy=busy)

        return await self._in_database(fan_out_and_claim)

    def _start(self, client: OutboundClient, delivery: Delivery) -> None:
        task = asyncio.create_task(self._send(client, delivery))
        self._sending.add(task)
        self._lanes[delivery.lane] += 1

        def ended(task: asyncio.Task[None]) -> None:
            self._sending.discard(task)
            self._lanes[delivery.lane] -= 1
            if not self._lanes[delivery.lane]:
                del self._lanes[delivery.lane]
            self._answered.set()

        task.add_done_callback(ended)

    async def _send(self, client: OutboundClient, delivery: Delivery) -> None:
        outcome = await attempt(client, delivery)
        self._outcomes.append(outcome)  # not in one line: the list may be another after the await

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._answered.wait()
        except TimeoutError:
            return
        if self._sending:
            await asyncio.sleep(_GATHER_S)
        self._answered.clear()

    async def _settle(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        if outcomes:
            self._settled += await self._in_database(lambda: attempts_settle(outcomes=outcomes))

    async def _in_database(self, work: Callable[[], T]) -> T:
        def in_thread() -> T:
            try:
                return work()
            finally:
                connection.close()  # back to the pool

        return await asyncio.get_running_loop().run_in_executor(self._database, in_thread)


async def attempt(client: OutboundClient, delivery: Delivery) -> Outcome:
    """Make one HTTP attempt; whatever goes wrong is an outcome too."""
    outcome = Outcome(delivery=delivery, started_at=timezone.now(), latency_ms=0)
    started = time.perf_counter()
    body = delivery.body.encode()
    try:
        outcome.request_headers = signed_headers(
            body=body,
            secret=delivery_secret(delivery),
            webhook_id=delivery.webhook_id,
            attempt_number=delivery.attempt_count + 1,
            timestamp=int(outcome.started_at.timestamp()),
        )
        answer = await client.post(
            delivery.url,
            body=body,
            headers=outcome.request_headers,
            timeout_s=delivery.timeout_s,
        )
    except OutboundError as error:
        outcome.error_code, outcome.error_message = error.code, error.message
    except Exception:
        log.exception("webhook_attempt_crashed", delivery_id=str(delivery.id))
        outcome.error_code = "internal_error"
        outcome.error_message = "The hub could not make this request."
    else:
        outcome.http_status = answer.status
        outcome.response_headers = answer.headers
        outcome.response_body = answer.body.decode("utf-8", "replace").replace("\x00", "\ufffd")
        if not 200 <= answer.status < 300:
            redirect = 300 <= answer.status < 400
            outcome.error_code = "redirect_refused" if redirect else "http_status"
            outcome.error_message = f"The receiver answered {answer.status}."
    outcome.latency_ms = (time.perf_counter() - started) * 1000
    return outcome
