"""How long an event waits for its first attempt: at light load, and beside a thousand dead endpoints."""

import json
import time
import urllib.request
from contextlib import ExitStack

from benchmarks.hub import DATABASE, Hub
from benchmarks.processes import Process, Remote, celery_beat
from benchmarks.webhooks.contenders import HUB_ID, hub_announcer, hub_worker, tenant_create
from benchmarks.webhooks.receiver import Receiver
from benchmarks.webhooks.receiver_program import hanging_host

HANGING = 1_000
# A first attempt that takes longer is counted as this long.
PATIENCE_S = 30.0
# As `make run` has it.
_WORKERS = 2
_OTHERS = 10
# More than the dispatcher has slots, whatever it has.
_EVENTS_THAT_HANG = 5
_FIRST = 10


def light_load(hub: Hub, receiver: Receiver, *, leads: int, every_s: float = 0.2) -> list[float]:
    """Create leads over HTTP, one each `every_s`; answers the seconds from each event to its arrival."""
    with ExitStack() as stack:
        announcer = _background(stack, hub)
        tenant = tenant_create(announcer, "Light load", receiver.hook)
        web = stack.enter_context(hub.program().server(hub.stores))
        receiver.reset(pattern=HUB_ID)
        for number in range(_FIRST + leads):
            next_at = time.monotonic() + every_s
            _lead_create(web.url, tenant, number)
            time.sleep(max(0.0, next_at - time.monotonic()))
        return _waits(hub, receiver, [tenant["organization_id"]])[_FIRST:]


def beside_hanging(hub: Hub, receiver: Receiver, *, events: int, every_s: float = 1.0) -> list[float]:
    """While one tenant's endpoints take requests and never answer, others announce something now and then.

    Answers the seconds from each of their events to its arrival.
    """
    with ExitStack() as stack:
        announcer = _background(stack, hub)
        others = [
            tenant_create(announcer, f"Other {number}", receiver.hook)["organization_id"]
            for number in range(_OTHERS)
        ]
        receiver.reset(pattern=HUB_ID)
        for organization_id in others:
            announcer.ask("events_announce", organization_ids=[organization_id], count=1)
        receiver.wait_for(len(others), sender=announcer)
        urls = [f"http://{hanging_host(number)}:{receiver.port}/hooks" for number in range(HANGING)]
        dead = tenant_create(announcer, "Hanging", *urls)["organization_id"]
        announcer.ask("events_announce", organization_ids=[dead], count=_EVENTS_THAT_HANG)
        time.sleep(5)
        print(f"  {receiver.count()['hanging']:,} requests hang", flush=True)
        for number in range(events):
            organization_id = others[number % len(others)]
            announcer.ask("events_announce", organization_ids=[organization_id], count=1)
            time.sleep(every_s)
        return _waits(hub, receiver, others)[len(others) :]


def _background(stack: ExitStack, hub: Hub) -> Remote:
    """Worker and scheduler as `make run` has them; answers the process that announces."""
    announcer = stack.enter_context(hub_announcer(hub))
    stack.enter_context(hub_worker(hub, processes=_WORKERS))
    log = hub.stores.state.log
    stack.enter_context(Process("scheduler", celery_beat(), environment=hub.environment, log=log))
    return announcer


def _lead_create(url: str, tenant: dict[str, str], number: int) -> None:
    lead = {
        "organizationId": tenant["organization_id"],
        "name": f"Ada Lovelace {number}",
        "email": f"ada.{number}@example.com",
    }
    request = urllib.request.Request(  # noqa: S310 (our own address)
        f"{url}/api/partner/v1/leads",
        json.dumps(lead).encode(),
        {
            "x-partner-api-key": tenant["key"],
            "Content-Type": "application/json",
            "Idempotency-Key": f"benchmark-{number}",
        },
    )
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310
        pass


def _waits(hub: Hub, receiver: Receiver, organization_ids: list[str]) -> list[float]:
    """The seconds from each event of these organizations to its arrival, oldest event first."""
    with hub.stores.superuser(DATABASE) as connection:
        events = connection.execute(
            "SELECT id::text, extract(epoch FROM created_at)::float8 FROM webhooks_event"
            " WHERE organization_id = ANY(%s::uuid[]) ORDER BY created_at",
            (organization_ids,),
        ).fetchall()
    deadline = time.monotonic() + PATIENCE_S
    while receiver.count()["distinct"] < len(events) and time.monotonic() < deadline:
        time.sleep(0.2)
    arrived = receiver.received().arrived
    return [min(arrived.get(event, float("inf")) - at, PATIENCE_S) for event, at in events]
