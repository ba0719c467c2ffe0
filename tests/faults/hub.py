"""A hub of real processes on a broker of its own: web, scheduler, workers."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from config import tenancy
from credentials.services.keys import IssuedKey
from tests.factories import make_key
from tests.faults.http import lead_post
from tests.faults.servers import Server
from tests.processes import Process, Web, scheduler, worker
from tests.webhooks.receiver import Receiver
from tests.webhooks.rows import make_subscription
from webhooks.models import Delivery, Event

# Short, for a killed worker's lease ends so long after its claim; and no failure is the last.
SUBSCRIPTION = {"timeout_s": 3, "retry_delay_s": 1, "backoff_multiplier": 1, "max_retries": 10}


class Hub:
    """Leads go in by HTTP, and each is announced to a receiver."""

    def __init__(self, web: Web, broker: Server) -> None:
        self.web = web
        self.broker = broker
        self.key: IssuedKey = make_key(requests_per_minute=100_000)
        self._started: list[Process] = []

    def subscribe(self, receiver: Receiver) -> None:
        make_subscription(receiver.url, client=self.key.key.client, event_types=["lead.*"], **SUBSCRIPTION)

    def start_worker(self) -> Process:
        return self._start(worker("default", REDIS_URL=self.broker.url))

    def start_scheduler(self) -> Process:
        return self._start(scheduler(REDIS_URL=self.broker.url))

    def _start(self, process: Process) -> Process:
        self._started.append(process)
        return process

    def accept(self, names: Iterable[str]) -> set[str]:
        """Create a lead for each idempotency key; answers the ids of the leads. All must be accepted."""
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda name: lead_post(self.web, self.key, name), names))
        assert {answer.status for answer in answers} <= {201}
        return {answer.json()["id"] for answer in answers}

    def stop(self) -> None:
        for process in self._started:
            if process.is_running():
                process.kill()


def assert_arrived(accepted: set[str], receiver: Receiver) -> None:
    """Each accepted lead was announced and arrived, nothing else did, and repeats are the same again."""
    bodies: dict[str, set[bytes]] = {}
    for webhook in list(receiver.received):
        bodies.setdefault(webhook.id, set()).add(webhook.body)
    assert {len(same) for same in bodies.values()} == {1}, "one body an id"
    leads = [json.loads(body)["data"]["id"] for (body,) in bodies.values()]
    assert sorted(leads) == sorted(accepted), "one id an event"
    with tenancy.operator():
        announced = {str(event) for event in Event.objects.values_list("id", flat=True)}
    assert set(bodies) == announced


def states() -> dict[str, int]:
    """How many deliveries are in which state."""
    with tenancy.operator():
        found = list(Delivery.objects.values_list("status", flat=True))
    return {status: found.count(status) for status in set(found)}


def leased() -> int:
    """How many deliveries are in the hands of a worker, living or dead."""
    with tenancy.operator():
        return Delivery.objects.open().exclude(lease_until=None).count()
