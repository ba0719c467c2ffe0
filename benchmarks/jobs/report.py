"""What was found about jobs, for people."""

import statistics

from benchmarks.jobs.rounds import Work
from benchmarks.jobs.waits import QUEUED
from benchmarks.report import Target, nearest_rank, publish, ratio, spread, verdicts


def jobs_report(works: list[Work], waits: list[float], *, rounds: int, seconds: float, write: bool) -> None:
    """Print what was found and its targets, and write them into the page when asked to.

    `waits` are the seconds to completion of one tenant's jobs beside another's long queue.
    """
    lines: list[str] = []
    if works:
        lines += [*_table(works, rounds=rounds, seconds=seconds), ""]
    if waits:
        lines += [
            f"Beside {QUEUED:,} queued jobs of another tenant a job was completed after"
            f" {statistics.median(waits):.2f} s (p50), {nearest_rank(waits, 0.95):.2f} s (p95),"
            f" {max(waits):.2f} s (longest of {len(waits)}).",
            "",
        ]
    publish("jobs", [*lines, *verdicts(targets(works, waits))], write=write)


def targets(works: list[Work], waits: list[float]) -> list[Target]:
    """The targets of those parts that ran."""
    of = {work.name: work for work in works}
    wanted: list[Target] = []
    if {"durable", "plain"} <= set(of):
        ours, plain = of["durable"], of["plain"]
        cpu = statistics.median(ours.cpu_ms) / statistics.median(plain.cpu_ms)
        wall = statistics.median(plain.rates) / statistics.median(ours.rates)
        wanted += [
            Target("a durable job ÷ a Celery task, CPU of worker and stores", cpu, 2, at_most=True),
            Target("a durable job ÷ a Celery task, time", wall, 2, at_most=True),
        ]
    if waits:
        late = nearest_rank(waits, 0.95)
        title = f"a job beside {QUEUED:,} of another tenant, p95"
        wanted.append(Target(title, late, 5, at_most=True, unit=" s"))
    return wanted


def _table(works: list[Work], *, rounds: int, seconds: float) -> list[str]:
    lines = [
        f"{rounds} rounds of about {seconds:g} s of work each, interleaved, one worker process each;"
        " medians with smallest and largest round. CPU is of one job.",
        "",
        "| | a second | ours costs … times the CPU | worker CPU ms | stores' CPU ms"
        " | CPU ms to submit it, stores included |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    ours = next((work for work in works if work.name == "durable"), None)
    for work in works:
        cells = (
            work.title,
            spread(work.rates),
            "" if ours is None or ours is work else ratio(ours.cpu_ms, work.cpu_ms),
            spread(work.worker_cpu_ms, ".3f"),
            spread(work.store_cpu_ms, ".3f"),
            spread(work.submit_cpu_ms, ".3f"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines
