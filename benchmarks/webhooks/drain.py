"""A long queue: whether the rate holds and memory stays while it is sent."""

import time
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.hub import Hub
from benchmarks.webhooks.contenders import (
    HUB_ID,
    TENANTS,
    hub_announcer,
    hub_worker,
    pause_settled,
    tenant_create,
)
from benchmarks.webhooks.receiver import Receiver
from config.embedded.state import SetUpError

_PARTS = 10


@dataclass(frozen=True)
class Tenth:
    """A part of the queue: its deliveries a second, and the worker's memory when it was sent."""

    count: int
    rate: float
    resident_bytes: int


def drain_run(hub: Hub, receiver: Receiver, *, deliveries: int) -> list[Tenth]:
    """Queue so many deliveries before a worker that stands still, let it go on, and look at each tenth.

    Raises SetUpError when one does not arrive.
    """
    with hub_announcer(hub) as announcer, hub_worker(hub) as worker:
        organizations = [
            tenant_create(announcer, f"Long queue {number}", receiver.hook)["organization_id"]
            for number in range(TENANTS)
        ]
        receiver.reset(pattern=HUB_ID)
        warm = announcer.ask("events_announce", organization_ids=organizations, count=1_000)
        receiver.wait_for(len(warm), sender=worker)
        pause_settled(worker, announcer)
        receiver.reset(pattern=HUB_ID)
        ids = announcer.ask("events_announce", organization_ids=organizations, count=deliveries)
        announcer.ask("deliveries_queue")
        print(f"  {deliveries:,} deliveries wait", flush=True)
        began = time.time()
        worker.resume()
        resident = []
        for part in range(1, _PARTS + 1):
            receiver.wait_for(deliveries * part // _PARTS, sender=worker)
            resident.append(worker.resident_bytes())
            print(f"  {receiver.count()['distinct']:9,} sent  {resident[-1] / 1e6:.1f} MB", flush=True)
        received = receiver.received()
    if set(received.arrived) != set(ids):
        raise SetUpError(f"Of {len(ids)} deliveries {len(received.arrived)} arrived.")
    ends = [began, *(received.times[deliveries * part // _PARTS - 1] for part in range(1, _PARTS + 1))]
    return [
        Tenth(deliveries // _PARTS, deliveries / _PARTS / (end - start), resident_bytes)
        for (start, end), resident_bytes in zip(pairwise(ends), resident, strict=True)
    ]
