"""The dispatcher: claims due deliveries in batches, sends them at once, settles them in batches.

One event loop sends; claiming and settling go on beside it, each in a thread of its own, so no connection
waits for a receiver and no transaction is open during HTTP. Any number of dispatchers may run beside
each other.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from config import tenancy
from config.api.errors import error_response
from config.api.exceptions import DomainError
from config.outbound.asynchronous import Answer, OutboundClient
from config.outbound.errors import OutboundError
from webhooks.bin_addresses import request_bin_token_of
from webhooks.models import Delivery, RequestBin
from webhooks.secrets import signers_of, subscription_headers_of
from webhooks.services.claims import (
    LEASE_MARGIN_S,
    Claimed,
    Lane,
    deliveries_claim,
    deliveries_release,
    lanes_with_work,
)
from webhooks.services.deliveries import Outcome, attempts_settle, deliveries_retry_failed
from webhooks.services.outbox import events_fan_out
from webhooks.services.request_bins import request_bin_receive
from webhooks.sharing import Shares
from webhooks.signing import signed_headers

log = structlog.get_logger(__name__)
T = TypeVar("T")

SLOTS = 512
# Longer, and a worker could not stop in time; the sweep or the next wake-up goes on.
MAX_DRAIN_S = 30
_BATCH = 256
# How long free slots and answers are gathered before they are filled and settled together, and how often new
# work is looked for while slow receivers hold slots.
_GATHER_S = 0.02
_LOOK_S = 0.25
# New events are looked for as often as this while deliveries keep coming.
_FAN_OUT_S = 0.05
# Attempts between two collections of garbage.
_COLLECT_AFTER = 2_000
# Looking through all lanes may take this part of the time.
_LOOKING_SHARE = 0.05
_NO_HEADERS: Mapping[str, str] = {}


def drain(*, slots: int = SLOTS, max_s: float = MAX_DRAIN_S) -> int:
    """Fan out events and send what is due until nothing is; answers how many attempts were settled.

    Stops taking new work after `max_s` and ends what it took.
    """
    with _no_needless_collections():
        return asyncio.run(_Drain(slots).run(max_s))


@contextmanager
def _no_needless_collections() -> Iterator[None]:
    """Spare the garbage collector what was there before, and most of its rounds: a third of all CPU time.

    In exchange the drain collects now and then itself (`_COLLECT_AFTER`), so that its memory stays flat.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.collect()
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def retry_failed(*, since: datetime) -> dict[str, int]:
    """Give each delivery that failed since then one more attempt and wait for it; answers how many
    these were in `total`, and of them `successful` and `failed`.
    """
    ids = deliveries_retry_failed(since=since)
    retried = Delivery.objects.filter(id__in=ids)
    while ids:
        drain()
        with tenancy.operator():
            if not retried.awaiting(now=timezone.now()).exists():
                break
        time.sleep(_LOOK_S)  # another dispatcher is sending some of them
    with tenancy.operator():
        successful = retried.filter(status=Delivery.Status.DELIVERED).count()
    return {"total": len(ids), "successful": successful, "failed": len(ids) - successful}


class _Drain:
    def __init__(self, slots: int) -> None:
        self._database = ThreadPoolExecutor(2, thread_name_prefix="dispatcher-database")
        self._shares = Shares(slots)
        self._sending: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []
        self._unsent: list[Claimed] = []
        # something ended, so that there may be room or a follower to claim
        self._ended = asyncio.Event()
        self._to_settle = asyncio.Event()
        self._claiming = True
        self._settling = False
        self._settled = 0
        # the lanes that had work when they were last looked through
        self._lanes: list[Lane] = []
        self._looked_at = self._look_took = self._fanned_out_at = 0.0

    async def run(self, max_s: float) -> int:
        end = time.monotonic() + max_s
        with self._database:
            async with OutboundClient() as client, asyncio.TaskGroup() as group:
                group.create_task(self._settle_all())
                await self._claim_all(client, end)
        return self._settled

    async def _claim_all(self, client: OutboundClient, end: float) -> None:
        try:
            while time.monotonic() < end:
                self._ended.clear()
                was_idle, started = self._is_idle(), time.monotonic()
                found = await self._in_database(self._look_and_claim)
                for delivery in found or ():
                    self._start(client, delivery)
                if found is None and was_idle and self._is_idle():
                    return
                pause_s = _GATHER_S if found else _LOOK_S
                if not found or self._shares.free == 0:
                    await _wait(
                        self._ended, min(pause_s if self._shares.free else 60, end - time.monotonic())
                    )
                await asyncio.sleep(max(0, started + _GATHER_S - time.monotonic()) if self._sending else 0)
        finally:
            self._claiming = False
            self._to_settle.set()

    def _is_idle(self) -> bool:
        return not (self._sending or self._outcomes or self._unsent or self._settling)

    def _look_and_claim(self) -> list[Claimed] | None:
        """What to send now; None when there is nothing to wait for either."""
        made, asked = 0, time.monotonic()
        if not self._lanes or asked - self._fanned_out_at > _FAN_OUT_S:
            made = events_fan_out()
            self._fanned_out_at = asked = time.monotonic()
        looked = not self._lanes or asked - self._looked_at > self._look_took / _LOOKING_SHARE
        if looked:
            self._lanes = lanes_with_work()
            self._looked_at = time.monotonic()
            self._look_took = self._looked_at - asked
        wanted = self._shares.allot(self._lanes, limit=_BATCH)
        claimed, is_pace_awaited = deliveries_claim(wanted=wanted) if wanted else ([], False)
        got: dict[str, int] = {}
        for delivery in claimed:
            got[delivery.lane] = got.get(delivery.lane, 0) + 1
        # what gave less than it was asked for has no more for now
        spent = {lane.lane for lane, number in wanted.items() if got.get(lane.lane, 0) < number}
        self._lanes = [lane for lane in self._lanes if lane.lane not in spent]
        return claimed if claimed or made or is_pace_awaited or not looked else None

    def _start(self, client: OutboundClient, delivery: Claimed) -> None:
        self._shares.take(delivery)
        task = asyncio.create_task(self._send(client, delivery))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, client: OutboundClient, delivery: Claimed) -> None:
        try:
            if delivery.start_before is not None:
                await asyncio.sleep(delivery.start_after - time.monotonic())
                if time.monotonic() > delivery.start_before:
                    self._unsent.append(delivery)
                    return
            outcome = await attempt(client, delivery)
            self._outcomes.append(outcome)  # not in one line: the list may be another after the await
        finally:
            self._shares.give_back(delivery)
            self._ended.set()
            self._to_settle.set()

    async def _settle_all(self) -> None:
        uncollected = 0
        while self._claiming or not self._is_idle():
            await self._to_settle.wait()
            self._to_settle.clear()
            await asyncio.sleep(_GATHER_S if self._sending else 0)
            outcomes, self._outcomes = self._outcomes, []
            unsent, self._unsent = self._unsent, []
            self._settling = True
            if outcomes:
                self._settled += await self._persistently(partial(_settle, outcomes))
            if unsent:
                await self._persistently(partial(deliveries_release, claimed=unsent))
            self._settling = False
            self._ended.set()
            uncollected += len(outcomes)
            if uncollected > _COLLECT_AFTER:
                gc.collect()
                uncollected = 0

    async def _persistently(self, work: Callable[[], T]) -> T:
        """Do `work` again while the database is away, as long as the leases may hold."""
        end = time.monotonic() + LEASE_MARGIN_S
        while True:
            try:
                return await self._in_database(work)
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > end:
                    raise
                log.warning("webhooks_not_settled_yet", error=str(error))
                await asyncio.sleep(_LOOK_S)

    async def _in_database(self, work: Callable[[], T]) -> T:
        def in_thread() -> T:
            try:
                return work()
            finally:
                connection.close()  # back to the pool

        return await asyncio.get_running_loop().run_in_executor(self._database, in_thread)


def _settle(outcomes: Sequence[Outcome]) -> int:
    """One that cannot be recorded takes no other with it; its lease ends, and it is sent again."""
    try:
        return attempts_settle(outcomes=outcomes)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(outcomes) == 1:
            log.exception("webhook_attempt_not_recorded", delivery_id=outcomes[0].delivery.id)
            return 0
        return sum(_settle([outcome]) for outcome in outcomes)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def _to_bin(token: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Deliver to a request bin of the hub's own, which need not be reachable from here."""

    def receive() -> Answer:
        try:
            answer = request_bin_receive(
                token=token, method="POST", headers=headers, body=body, body_bytes=len(body), ip=None
            )
        except RequestBin.DoesNotExist:
            return Answer(410, {}, b"", 0)
        except DomainError as error:
            refused = {name.lower(): value for name, value in error.headers.items()}
            return Answer(error.status, refused, error_response(error, request_id="").content, 0)
        finally:
            connection.close()  # back to the pool
        return Answer(answer.status, {"content-type": "application/json"}, answer.body, 0)

    return await asyncio.to_thread(receive)


async def attempt(client: OutboundClient, delivery: Claimed) -> Outcome:
    """Make one HTTP attempt; whatever goes wrong is an outcome too."""
    outcome = Outcome(delivery=delivery, started_at=datetime.now(UTC), latency_ms=0)
    started = time.perf_counter()
    body = delivery.body.encode()
    subscription = delivery.subscription
    try:
        headers = signed_headers(
            body=body,
            signers=signers_of(subscription, delivery.client),
            webhook_id=delivery.webhook_id,
            attempt_number=delivery.attempt_count + 1,
            timestamp=int(outcome.started_at.timestamp()),
            extra=subscription_headers_of(subscription) if subscription else _NO_HEADERS,
        )
        outcome.request_headers = headers
        if subscription and subscription.custom_header_names:
            # a receiver's own header may be a password: the log and the bin have its name
            outcome.request_headers = headers | dict.fromkeys(subscription.custom_header_names, "***")
        if token := request_bin_token_of(delivery.url):
            answer = await _to_bin(token, outcome.request_headers, body)
        else:
            answer = await client.post(
                delivery.url,
                body=body,
                headers=headers,
                timeout_s=delivery.timeout_s,
            )
    except OutboundError as error:
        outcome.error_code, outcome.error_message = error.code, error.message
    except Exception:
        log.exception("webhook_attempt_crashed", delivery_id=delivery.id)
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
