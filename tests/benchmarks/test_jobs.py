"""The benchmark of jobs: its targets say what is not met."""

from types import SimpleNamespace

from benchmarks.jobs.report import targets
from benchmarks.jobs.rounds import Work
from benchmarks.report import verdicts


def work(name: str, *, rate: float, worker_cpu_ms: float, store_cpu_ms: float) -> Work:
    nobody = SimpleNamespace()
    return Work(
        name,
        name,
        nobody,
        nobody,
        submit=lambda count: [],
        unsettled=lambda: False,
        busy=lambda: False,
        rates=[rate],
        worker_cpu_ms=[worker_cpu_ms],
        store_cpu_ms=[store_cpu_ms],
    )


def test_a_durable_job_is_judged_by_the_cpu_of_worker_and_stores_and_by_its_time():
    works = [
        work("durable", rate=400, worker_cpu_ms=1.5, store_cpu_ms=1.0),
        work("plain", rate=1_000, worker_cpu_ms=1.0, store_cpu_ms=0.25),
    ]
    lines = verdicts(targets(works, []))
    assert "| a durable job ÷ a Celery task, CPU of worker and stores | at most 2 | 2.00 | met |" in lines
    assert "| a durable job ÷ a Celery task, time | at most 2 | 2.50 | **not met** |" in lines


def test_a_job_beside_a_long_queue_is_judged_by_the_slowest_twentieth():
    assert verdicts(targets([], [1.0] * 19 + [30.0]))[-1].endswith("| at most 5 s | 1.00 s | met |")
    assert verdicts(targets([], [1.0] * 18 + [30.0] * 2))[-1].endswith("| 30.00 s | **not met** |")
