"""What was found about deliveries, for people."""

import statistics
from dataclasses import dataclass, field

from benchmarks.load import Measured
from benchmarks.report import Target, nearest_rank, publish, ratio, spread, verdicts
from benchmarks.webhooks.drain import Tenth
from benchmarks.webhooks.rounds import Delivered
from benchmarks.webhooks.waits import HANGING

# What counts as the same memory: allocator and cache noise on top of the first tenth's.
_FLAT = 1.05
# ... and as the same rate, on a machine with neighbours.
_NOT_SLOWER = 0.9


@dataclass
class Found:
    """What was measured; what was left out is empty. Waits are in seconds, delays in milliseconds."""

    rounds: int
    seconds: float
    receiver: dict[int, Measured] = field(default_factory=dict)
    delivered: dict[int, list[Delivered]] = field(default_factory=dict)
    light: list[float] = field(default_factory=list)
    tenths: list[Tenth] = field(default_factory=list)
    beside_hanging: list[float] = field(default_factory=list)


def webhooks_report(found: Found, *, write: bool) -> None:
    """Print what was found and its targets, and write them into the page when asked to."""
    lines: list[str] = []
    if found.delivered:
        lines += [*_table(found), ""]
    if found.tenths:
        lines += [*_queue(found.tenths), ""]
    if found.light or found.beside_hanging:
        lines += [*_waits(found), ""]
    publish("webhooks", [*lines, *verdicts(targets(found))], write=write)


def targets(found: Found) -> list[Target]:
    """The targets of those parts that ran."""
    wanted: list[Target] = []
    for delay_ms, senders in found.delivered.items():
        of = {one.sender.name: statistics.median(one.rates) for one in senders}
        if "hub" not in of:
            continue
        where = f"receiver at {delay_ms} ms"
        for name, title, least in (("p3", "as installed", 20), ("p3_tuned", "tuned", 10)):
            if name in of:
                wanted.append(Target(f"× django-webhook {title}, {where}", of["hub"] / of[name], least))
        if delay_ms == 50:
            wanted.append(Target(f"deliveries a second from one process, {where}", of["hub"], 2_000))
    if found.light:
        median_ms = statistics.median(found.light) * 1000
        wanted.append(
            Target("event to first attempt at light load, p50", median_ms, 100, at_most=True, unit=" ms")
        )
    if found.tenths:
        first, last = found.tenths[0], found.tenths[-1]
        count = sum(tenth.count for tenth in found.tenths)
        memory = last.resident_bytes / first.resident_bytes
        wanted += [
            Target(f"rate of the last tenth of {count:,} ÷ the first", last.rate / first.rate, _NOT_SLOWER),
            Target("memory after the last tenth ÷ after the first", memory, _FLAT, at_most=True),
        ]
    if found.beside_hanging:
        late = nearest_rank(found.beside_hanging, 0.95)
        wanted.append(
            Target(
                f"first attempt beside {HANGING:,} hanging endpoints, p95", late, 5, at_most=True, unit=" s"
            )
        )
    return wanted


def _table(found: Found) -> list[str]:
    delays = list(found.delivered)
    alone = " and ".join(
        f"{measured.rate:,.0f} a second at {delay_ms} ms" for delay_ms, measured in found.receiver.items()
    )
    every = [one for senders in found.delivered.values() for one in senders]
    lines = [
        f"{found.rounds} rounds of about {found.seconds:g} s of work each, interleaved, one worker process"
        " each; medians with smallest and largest round."
        f" The receiver alone takes {alone} (wrk).",
        "",
        "| | "
        + " | ".join(f"a second, receiver at {delay_ms} ms | ours is … times" for delay_ms in delays)
        + " | worker CPU ms | stores' CPU ms |",
        "| --- |" + " --- | --- |" * len(delays) + " --- | --- |",
    ]
    of = {delay_ms: {one.sender.name: one for one in found.delivered[delay_ms]} for delay_ms in delays}
    for name, one in of[delays[0]].items():
        cells = [one.sender.title]
        for delay_ms in delays:
            hub, other = of[delay_ms].get("hub"), of[delay_ms][name]
            cells += [
                spread(other.rates),
                "" if hub is None or hub is other else ratio(hub.rates, other.rates),
            ]
        cells += [spread(one.sender_cpu_ms, ".3f"), f"{statistics.median(one.store_cpu_ms):.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    sent, repeats = sum(one.sent for one in every), sum(one.repeats for one in every)
    checked = sum(one.checked for one in every)
    lines += [
        "",
        f"CPU of one delivery, receiver at {delays[0]} ms. All {sent:,} accepted deliveries arrived"
        f" ({repeats:,} repeats); the signatures of {checked:,} were checked.",
    ]
    return lines


def _queue(tenths: list[Tenth]) -> list[str]:
    lines = [
        f"{sum(tenth.count for tenth in tenths):,} deliveries that wait, receiver at 0 ms:",
        "",
        "| tenth | a second | the worker's memory after it, MB |",
        "| --- | --- | --- |",
    ]
    for number, tenth in enumerate(tenths, 1):
        lines.append(f"| {number} | {tenth.rate:,.0f} | {tenth.resident_bytes / 1e6:.1f} |")
    return lines


def _waits(found: Found) -> list[str]:
    lines = ["| from event to first attempt, ms | p50 | p95 | longest |", "| --- | --- | --- | --- |"]
    for title, waits in (
        ("leads created over HTTP, 5 a second", found.light),
        (f"beside another tenant's {HANGING:,} hanging endpoints", found.beside_hanging),
    ):
        if waits:
            figures = (statistics.median(waits), nearest_rank(waits, 0.95), max(waits))
            lines.append(f"| {title} | " + " | ".join(f"{wait * 1000:,.0f}" for wait in figures) + " |")
    return lines
