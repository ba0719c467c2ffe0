"""How long a tenant's job waits while another tenant has thousands queued."""

import time
from contextlib import ExitStack

from benchmarks.hub import DATABASE, Hub
from benchmarks.jobs.names import PAUSE
from benchmarks.jobs.rounds import job_worker, submitter_of
from benchmarks.processes import Process, celery_beat
from config.embedded.state import SetUpError

QUEUED = 10_000
# A job that waits longer is counted as this long.
PATIENCE_S = 30.0
# As `make run` has it.
_WORKERS = 2


def beside_a_long_queue(hub: Hub, *, jobs: int, every_s: float = 0.5) -> list[float]:
    """Queue thousands of jobs of one tenant, then now and then one of another's.

    Answers the seconds from each of those to its completion.
    """
    with ExitStack() as stack:
        submitter = stack.enter_context(submitter_of(hub))
        worker = stack.enter_context(job_worker(hub, processes=_WORKERS))
        log = hub.stores.state.log
        stack.enter_context(Process("scheduler", celery_beat(), environment=hub.environment, log=log))
        greedy = submitter.ask("tenant_create", name="Ten thousand jobs")
        others = [submitter.ask("tenant_create", name=f"One job {number}") for number in range(jobs)]
        warm = submitter.ask("submit", organization_id=greedy, count=10)
        deadline = time.monotonic() + PATIENCE_S
        while None in _waits(hub, warm):
            worker.alive()
            if time.monotonic() > deadline:
                raise SetUpError("The first jobs were not completed.")
            time.sleep(0.1)
        worker.pause()
        submitter.ask("submit", organization_id=greedy, count=QUEUED, job_type=PAUSE)
        worker.resume()
        time.sleep(2)
        ids: list[str] = []
        for other in others:
            ids += submitter.ask("submit", organization_id=other, count=1, job_type=PAUSE)
            time.sleep(every_s)
        deadline = time.monotonic() + PATIENCE_S
        while None in _waits(hub, ids) and time.monotonic() < deadline:
            time.sleep(0.2)
        return [PATIENCE_S if wait is None else wait for wait in _waits(hub, ids)]


def _waits(hub: Hub, ids: list[str]) -> list[float | None]:
    """Of each job the seconds to its completion; None while it is not completed."""
    with hub.stores.superuser(DATABASE) as connection:
        rows = connection.execute(
            "SELECT extract(epoch FROM completed_at - created_at)::float8 FROM async_jobs"
            " WHERE id = ANY(%s::uuid[]) ORDER BY created_at",
            (ids,),
        ).fetchall()
    return [row[0] for row in rows]
