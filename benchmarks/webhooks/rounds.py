"""Deliveries in interleaved rounds: each sender sends what it was given, and all of it must arrive."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.hub import Hub
from benchmarks.webhooks.contenders import Bare, Sender, senders
from benchmarks.webhooks.receiver import Received, Receiver
from config.embedded.state import SetUpError

# The first deliveries of a worker open its connections; from a second's worth a round's size is taken.
_FIRST = 40
_MOST = 40_000


@dataclass
class Delivered:
    """What one sender did, a value for each round."""

    sender: Sender
    count: int = _FIRST
    rates: list[float] = field(default_factory=list)
    sender_cpu_ms: list[float] = field(default_factory=list)
    store_cpu_ms: list[float] = field(default_factory=list)
    sent: int = 0
    repeats: int = 0
    checked: int = 0
    body: bytes = b""


def rounds_run(
    hub: Hub, receiver: Receiver, *, delay_ms: int, rounds: int, seconds: float, only: set[str]
) -> list[Delivered]:
    """Measure each sender against a receiver of this delay; each round is work for about `seconds`.

    Raises SetUpError when a delivery is missing, unasked for or wrongly signed.
    """
    with ExitStack() as stack:
        found = [Delivered(sender) for sender in senders(stack, hub, receiver, delay_ms=delay_ms, only=only)]
        for one in found:
            if isinstance(one.sender, Bare):
                one.sender.body = found[0].body.decode()
            for work_s in (1, 1, seconds):
                _turn(one, hub, receiver, delay_ms)
                one.count = min(_MOST, max(_FIRST, int(one.rates[-1] * work_s)))
            one.rates, one.sender_cpu_ms, one.store_cpu_ms = [], [], []
        for number in range(rounds):
            # another one first each time, so that nobody always follows the same neighbour
            turn = number % len(found)
            for one in found[turn:] + found[:turn]:
                _turn(one, hub, receiver, delay_ms)
                print(
                    f"  round {number + 1}  {one.sender.name:12} {one.rates[-1]:9,.0f}/s"
                    f"  ({one.count:,} at {delay_ms} ms)",
                    flush=True,
                )
    return found


def _turn(one: Delivered, hub: Hub, receiver: Receiver, delay_ms: int) -> None:
    """Queue, send, measure and check one lot."""
    sender, count = one.sender, one.count
    receiver.reset(pattern=sender.pattern, delay_s=delay_ms / 1000)
    ids = sender.queue(count)
    sender_before, stores_before = sender.process.cpu(), hub.stores.cpu()
    began = time.time()
    ids += sender.send(count, receiver)
    sender_s = sender.process.cpu().total - sender_before.total
    store_s = hub.stores.cpu().total - stores_before.total
    received = receiver.received()
    check(sender, ids, received)
    one.rates.append(count / (received.times[-1] - began))
    one.sender_cpu_ms.append(sender_s * 1000 / count)
    one.store_cpu_ms.append(store_s * 1000 / count)
    one.sent += count
    one.repeats += received.requests - len(received.arrived)
    one.checked += len(received.sample)
    one.body = received.sample[0].body


def check(sender: Sender, ids: list[str], received: Received) -> None:
    """Raise SetUpError unless just these ids arrived, and the sampled requests are signed."""
    accepted, arrived = set(ids), set(received.arrived)
    if accepted != arrived:
        raise SetUpError(
            f"{sender.name}: of {len(accepted)} accepted {len(accepted - arrived)} never arrived;"
            f" {len(arrived - accepted)} arrived that nobody asked for."
        )
    for request in received.sample:
        if not sender.is_genuine(request):
            raise SetUpError(f"{sender.name} signed wrongly: {request.headers}")
