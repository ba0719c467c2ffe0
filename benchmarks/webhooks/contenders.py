"""Who delivers: the hub, django-webhook as installed and tuned, and a bare client as the limit."""

import base64
import hashlib
import hmac
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.hub import Hub
from benchmarks.peer_programs import DATABASE, installed_python, peer_environment
from benchmarks.processes import Process, Remote, celery_worker
from benchmarks.webhooks.receiver import Receiver, Request

TENANTS = 10
# For the tuned peer and the bare client, by the receiver's delay in milliseconds: the best that was tried.
TUNED_THREADS = {0: 4, 50: 32}
BARE_SLOTS = {0: 64, 50: 1024}
_SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
# What ends its work may still be in a transaction, which PostgreSQL would end if it stood still there.
_SETTLE_S = 0.5
HUB_ID = r"\r\nwebhook-id: ([^\r]+)"
_PEER_ID = r'"object": {"id": "([^"]+)"'


class Sender(ABC):
    """One line of the table: what sends, and how its deliveries are known and checked."""

    name: str
    title: str
    # a regular expression whose first group is the id
    pattern: str
    process: Process

    @abstractmethod
    def queue(self, count: int) -> list[str]:
        """Have so many deliveries wait; answers their ids."""

    @abstractmethod
    def send(self, count: int, receiver: Receiver) -> list[str]:
        """Send them until all are received and settled; answers the ids that only now are known."""

    @abstractmethod
    def is_genuine(self, request: Request) -> bool:
        """Whether a request is signed as this sender signs."""


@dataclass
class Worker(Sender):
    """A worker that stands still while another process queues deliveries for it."""

    name: str
    title: str
    pattern: str
    process: Process
    announcer: Remote
    announce: Callable[[int], list[str]]
    genuine: Callable[[Request], bool]

    def queue(self, count: int) -> list[str]:
        return self.announce(count)

    def send(self, count: int, receiver: Receiver) -> list[str]:
        self.process.resume()
        receiver.wait_for(count, sender=self.process)
        pause_settled(self.process, self.announcer)
        return []

    def is_genuine(self, request: Request) -> bool:
        return self.genuine(request)


@dataclass
class Bare(Sender):
    """The limit: the same bodies and signatures from one event loop that keeps no record."""

    process: Remote
    slots: int
    body: str = ""
    name: str = "bare"
    title: str = "limit: a bare client, no database"
    pattern: str = HUB_ID

    def queue(self, count: int) -> list[str]:
        return []

    def send(self, count: int, receiver: Receiver) -> list[str]:
        ids: list[str] = self.process.ask(
            "post", port=receiver.port, secret=_SECRET, count=count, slots=self.slots, body=self.body
        )
        return ids

    def is_genuine(self, request: Request) -> bool:
        return signed_by_hub(request)


def pause_settled(worker: Process, announcer: Remote) -> None:
    """Have a worker stand still once all that arrived is settled too, or it would be sent again."""
    while announcer.ask("unsettled"):
        worker.alive()
    time.sleep(_SETTLE_S)
    worker.pause()


def signed_by_hub(request: Request) -> bool:
    """Both of the hub's signatures: over the body (contract B), and Standard Webhooks'."""
    headers = request.headers
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(_SECRET.removeprefix("whsec_"))
    standard = base64.b64encode(hmac.digest(key, message, "sha256")).decode()
    ours = hmac.new(_SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    return f"v1,{standard}" in headers["webhook-signature"].split() and headers["x-partner-signature"] == ours


def signed_by_peer(request: Request) -> bool:
    """django-webhook's signature: over its timestamp and the body."""
    message = request.headers["django-webhook-request-timestamp"].encode() + b":" + request.body
    signature = hmac.new(_SECRET.encode(), message, hashlib.sha256).hexdigest()
    return request.headers["django-webhook-signature-v1"] == signature


def hub_announcer(hub: Hub) -> Remote:
    """The process that announces for the hub."""
    return Remote(
        "announcer", "benchmarks.webhooks.announcing", environment=hub.environment, log=hub.stores.state.log
    )


def hub_worker(hub: Hub, *, processes: int = 1) -> Process:
    """The worker that delivers, as `make run` starts it."""
    command = celery_worker(processes=processes)
    return Process("hub_worker", command, environment=hub.environment, log=hub.stores.state.log)


def tenant_create(announcer: Remote, name: str, *urls: str) -> dict[str, str]:
    """An organization with a key and a subscription for each URL, whose secret is ours."""
    tenant: dict[str, str] = announcer.ask("tenant_create", name=name, urls=urls, secret=_SECRET)
    return tenant


def senders(stack: ExitStack, hub: Hub, receiver: Receiver, *, delay_ms: int, only: set[str]) -> list[Sender]:
    """Start those that take part, for a receiver of this delay; `only` names some, empty means all."""
    found: list[Sender] = []
    if not only or {"hub", "hub_alone"} & only:
        found += _hub(stack, hub, receiver)
    if not only or "p3" in only:
        found.append(_p3(stack, hub, receiver))
    if not only or "p3_tuned" in only:
        found.append(_p3(stack, hub, receiver, threads=TUNED_THREADS[delay_ms]))
    log = hub.stores.state.log
    bare = Remote("bare", "benchmarks.webhooks.bare_client", environment=hub.environment, log=log)
    found.append(Bare(stack.enter_context(bare), BARE_SLOTS[delay_ms]))
    return [sender for sender in found if not only or sender.name in only]


def _hub(stack: ExitStack, hub: Hub, receiver: Receiver) -> list[Sender]:
    announcer = stack.enter_context(hub_announcer(hub))
    worker = stack.enter_context(hub_worker(hub))
    organizations = [
        tenant_create(announcer, f"Tenant {number}", receiver.hook)["organization_id"]
        for number in range(TENANTS)
    ]
    found: list[Sender] = []
    for name, title, tenants in (
        ("hub", f"**ours**, {TENANTS} tenants", organizations),
        ("hub_alone", "ours, one tenant alone", organizations[:1]),
    ):
        announce = partial(_announce, announcer, tenants)
        found.append(Worker(name, title, HUB_ID, worker, announcer, announce, signed_by_hub))
    return found


def _announce(announcer: Remote, organization_ids: list[str], count: int) -> list[str]:
    ids: list[str] = announcer.ask("events_announce", organization_ids=organization_ids, count=count)
    return ids


def _p3(stack: ExitStack, hub: Hub, receiver: Receiver, *, threads: int = 0) -> Sender:
    """django-webhook; with `threads`, tuned (benchmarks/peers/p3/tuned_celery.py)."""
    stores = hub.stores
    stores.database_create(DATABASE)
    name, tuned, store = ("p3_tuned", "tuned_", 3) if threads else ("p3", "", 2)
    python = installed_python("p3")
    environment = peer_environment(
        stores,
        DJANGO_SETTINGS_MODULE=f"p3.{tuned}settings",
        P3_BROKER=f"redis+socket://{stores.valkey.socket}?virtual_host={store}",
    )
    pool = ["--pool", "threads", "-c", str(threads)] if threads else ["-c", "1"]
    command = [python, "-m", "celery", "-A", f"p3.{tuned}celery", "worker", "-Q", "celery", *pool]
    announcer = stack.enter_context(
        Remote(
            f"{name}_announcer",
            "p3.announcing",
            environment=environment,
            log=stores.state.log,
            python=python,
        )
    )
    announcer.ask("prepare", url=receiver.hook, secret=_SECRET)
    worker = Process(f"{name}_worker", command, environment=environment, log=stores.state.log)
    title = "P3 tuned: threads, connections kept" if threads else "P3: django-webhook as installed"
    return Worker(
        name,
        title,
        _PEER_ID,
        stack.enter_context(worker),
        announcer,
        lambda count: announcer.ask("leads_create", count=count),
        signed_by_peer,
    )
