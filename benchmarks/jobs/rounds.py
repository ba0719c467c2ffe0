"""Empty jobs and empty tasks in interleaved rounds: what each costs to submit and to run."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from benchmarks.hub import DATABASE, Hub
from benchmarks.processes import Process, Remote, celery_worker, clean_environment
from benchmarks.stores import Stores
from config.embedded.state import CHECKOUT, SetUpError

_FIRST = 50
_MOST = 20_000
_STALLED_S = 120
# What ends its work may still be in a transaction, which PostgreSQL would end if it stood still there.
_SETTLE_S = 0.5
TYPES = "benchmarks.jobs.types"


@dataclass
class Work:
    """One line of the table: what is submitted, and the one worker process that does it.

    `unsettled`: whether work is still to be done; `busy`: whether anything is left of what it caused.
    """

    name: str
    title: str
    worker: Process
    submitter: Remote
    submit: Callable[[int], list[str]]
    unsettled: Callable[[], bool]
    busy: Callable[[], bool]
    count: int = _FIRST
    rates: list[float] = field(default_factory=list)
    submit_cpu_ms: list[float] = field(default_factory=list)
    worker_cpu_ms: list[float] = field(default_factory=list)
    store_cpu_ms: list[float] = field(default_factory=list)

    @property
    def cpu_ms(self) -> list[float]:
        """Worker and stores, for one that was run."""
        return [sum(pair) for pair in zip(self.worker_cpu_ms, self.store_cpu_ms, strict=True)]


def rounds_run(hub: Hub, *, rounds: int, seconds: float, only: set[str]) -> list[Work]:
    """Measure each kind of work; each round is work for about `seconds`.

    Raises SetUpError when a job does not complete.
    """
    with ExitStack() as stack:
        found = [work for work in _works(stack, hub) if not only or work.name in only]
        for work in found:
            for work_s in (1, 1, seconds):
                _turn(work, hub.stores)
                work.count = min(_MOST, max(_FIRST, int(work.rates[-1] * work_s)))
            work.rates, work.submit_cpu_ms, work.worker_cpu_ms, work.store_cpu_ms = [], [], [], []
        for number in range(rounds):
            # another one first each time, so that nobody always follows the same neighbour
            turn = number % len(found)
            for work in found[turn:] + found[:turn]:
                _turn(work, hub.stores)
                print(
                    f"  round {number + 1}  {work.name:12} {work.rates[-1]:9,.0f}/s"
                    f"  {work.cpu_ms[-1]:.3f} ms of CPU each  ({work.count:,})",
                    flush=True,
                )
    return found


def job_worker(hub: Hub, *, processes: int = 1) -> Process:
    """The worker of jobs as `make run` starts it, knowing the benchmark's job types too."""
    command = celery_worker(processes=processes, include=TYPES)
    return Process("job_worker", command, environment=hub.environment, log=hub.stores.state.log)


def submitter_of(hub: Hub) -> Remote:
    """The process that submits jobs."""
    return Remote(
        "submitter", "benchmarks.jobs.submitting", environment=hub.environment, log=hub.stores.state.log
    )


def _works(stack: ExitStack, hub: Hub) -> list[Work]:
    submitter = stack.enter_context(submitter_of(hub))
    worker = stack.enter_context(job_worker(hub))
    organization_id = submitter.ask("tenant_create", name="Empty jobs")
    log = hub.stores.state.log
    broker = f"redis+socket://{hub.stores.valkey.socket}?virtual_host=5"
    environment = clean_environment(BROKER=broker, PYTHONPATH=str(CHECKOUT))
    celery = stack.enter_context(
        Remote("plain_submitter", "benchmarks.jobs.plain", environment=environment, log=log)
    )
    command = celery_worker(application="benchmarks.jobs.plain", queue="celery")
    plain = stack.enter_context(Process("plain_worker", command, environment=environment, log=log))

    def submit_jobs(count: int) -> list[str]:
        ids: list[str] = submitter.ask("submit", organization_id=organization_id, count=count)
        return ids

    def submit_tasks(sender: Remote, function: str, count: int) -> list[str]:
        sender.ask(function, count=count)
        return []

    jobs_busy, tasks_busy = partial(submitter.ask, "busy"), partial(celery.ask, "busy")
    return [
        Work(
            "durable",
            "**ours: a durable job**",
            worker,
            submitter,
            submit_jobs,
            partial(submitter.ask, "unsettled"),
            jobs_busy,
        ),
        Work(
            "plain",
            "a Celery task, Celery's own settings",
            plain,
            celery,
            partial(submit_tasks, celery, "submit"),
            tasks_busy,
            tasks_busy,
        ),
        Work(
            "plain_hub",
            "a Celery task, the hub's settings",
            worker,
            submitter,
            partial(submit_tasks, submitter, "submit_tasks"),
            jobs_busy,
            jobs_busy,
        ),
    ]


def _turn(work: Work, stores: Stores) -> None:
    """Submit one lot before a worker that stands still, let it work, and check."""
    count = work.count
    work.worker.pause()
    submitter_before, stores_before = work.submitter.cpu(), stores.cpu()
    ids = work.submit(count)
    submitted_s = work.submitter.cpu().total - submitter_before.total
    submitted_s += stores.cpu().total - stores_before.total
    worker_before, stores_before = work.worker.cpu(), stores.cpu()
    began = time.monotonic()
    work.worker.resume()
    _wait_while(work.unsettled, work)
    ended = time.monotonic()
    _wait_while(work.busy, work)
    time.sleep(_SETTLE_S)
    worker_s = work.worker.cpu().total - worker_before.total
    store_s = stores.cpu().total - stores_before.total
    if ids and (completed := _completed(stores, ids)) != count:
        raise SetUpError(f"{work.name}: of {count} jobs {completed} completed.")
    work.rates.append(count / (ended - began))
    work.submit_cpu_ms.append(submitted_s * 1000 / count)
    work.worker_cpu_ms.append(worker_s * 1000 / count)
    work.store_cpu_ms.append(store_s * 1000 / count)


def _wait_while(true: Callable[[], bool], work: Work) -> None:
    deadline = time.monotonic() + _STALLED_S
    while true():
        work.worker.alive()
        if time.monotonic() > deadline:
            raise SetUpError(f"{work.name} was not done after {_STALLED_S} s.")
        time.sleep(0.1)


def _completed(stores: Stores, ids: list[str]) -> int:
    with stores.superuser(DATABASE) as connection:
        row = connection.execute(
            "SELECT count(*) FROM async_jobs WHERE id = ANY(%s::uuid[]) AND status = 'completed'", (ids,)
        ).fetchone()
    return int(row[0]) if row else 0
