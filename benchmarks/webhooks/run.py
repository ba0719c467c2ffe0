"""`make bench ARGS=webhooks`: everything about deliveries, on stores of its own."""

from benchmarks.hub import Hub
from benchmarks.load import Measured, load
from benchmarks.stores import Stores
from benchmarks.webhooks import drain, waits
from benchmarks.webhooks.contenders import HUB_ID
from benchmarks.webhooks.receiver import Receiver
from benchmarks.webhooks.report import Found, webhooks_report
from benchmarks.webhooks.rounds import rounds_run

DELAYS_MS = (0, 50)
SENDERS = {"hub", "hub_alone", "p3", "p3_tuned", "bare"}
PARTS = SENDERS | {"light", "queue", "hanging"}
_LEADS = 100
_EVENTS = 40
_CONNECTIONS = {0: 64, 50: 1024}


def webhooks(*, rounds: int, seconds: float, queued: int, only: set[str], write: bool) -> None:
    """Measure, and report; with `only`, those senders and parts."""
    with Stores() as stores:
        hub = Hub(stores, OUTBOUND_ALLOW_LOOPBACK="true")
        with Receiver(stores, hanging=waits.HANGING) as receiver:
            found = Found(rounds=rounds, seconds=seconds)
            found.receiver = {delay_ms: _receiver_alone(receiver, delay_ms) for delay_ms in DELAYS_MS}
            if not only or "light" in only:
                print("Light load…", flush=True)
                found.light = waits.light_load(hub, receiver, leads=_LEADS)
            if not only or SENDERS & only:
                for delay_ms in DELAYS_MS:
                    print(f"Rounds, {delay_ms} ms…", flush=True)
                    found.delivered[delay_ms] = rounds_run(
                        hub, receiver, delay_ms=delay_ms, rounds=rounds, seconds=seconds, only=only & SENDERS
                    )
            if not only or "queue" in only:
                print("A long queue…", flush=True)
                found.tenths = drain.drain_run(hub, receiver, deliveries=queued)
            if not only or "hanging" in only:  # last: what hangs stays due
                print("Hanging endpoints…", flush=True)
                found.beside_hanging = waits.beside_hanging(hub, receiver, events=_EVENTS)
    webhooks_report(found, write=write)


def _receiver_alone(receiver: Receiver, delay_ms: int) -> Measured:
    """What the receiver can take, from a client in C."""
    receiver.reset(pattern=HUB_ID, delay_s=delay_ms / 1000)
    return load(
        receiver.hook,
        headers=["webhook-id: the-same"],
        connections=_CONNECTIONS[delay_ms],
        seconds=2,
        body=b"x" * 500,
    )
