"""`make bench ARGS=jobs`: everything about durable jobs, on stores of its own."""

from benchmarks.hub import Hub
from benchmarks.jobs.report import jobs_report
from benchmarks.jobs.rounds import rounds_run
from benchmarks.jobs.waits import beside_a_long_queue
from benchmarks.stores import Stores

WORKS = {"durable", "plain", "plain_hub"}
PARTS = WORKS | {"fairness"}
_JOBS = 20


def jobs(*, rounds: int, seconds: float, only: set[str], write: bool) -> None:
    """Measure, and report; with `only`, those kinds of work and parts."""
    with Stores() as stores:
        hub = Hub(stores)
        works = (
            rounds_run(hub, rounds=rounds, seconds=seconds, only=only & WORKS)
            if not only or WORKS & only
            else []
        )
        waits: list[float] = []
        if not only or "fairness" in only:
            print("A long queue of another tenant…", flush=True)
            waits = beside_a_long_queue(hub, jobs=_JOBS)
    jobs_report(works, waits, rounds=rounds, seconds=seconds, write=write)
