"""Job types: what a worker can run. A module `jobs.py` or `tasks.py` of an app registers its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from jobs.models import Job


class JobFailure(Exception):
    """The job cannot succeed, however often it is tried: `code` is stable, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class JobCanceled(Exception):
    """The job was canceled, or another worker holds it now: stop without a trace."""


class Reporter(Protocol):
    """How a running job tells where it is."""

    def progress(self, stage: str, percent: int) -> None:
        """Record stage and progress (0 to 100, never backwards). Raises JobCanceled."""

    def canceled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class JobType:
    """`run` does the work outside any transaction and answers the results (JSON).

    `settled` runs in the transaction that completes or fails the job: what is announced there commits
    with it.
    """

    name: str
    queue: str
    run: Callable[[Job, Reporter], Any]
    settled: Callable[[Job], None] | None
    max_attempts: int


JOB_TYPES: dict[str, JobType] = {}


def job_type(
    name: str,
    *,
    queue: str = "default",
    settled: Callable[[Job], None] | None = None,
    max_attempts: int = 3,
) -> Callable[[Callable[[Job, Reporter], Any]], Callable[[Job, Reporter], Any]]:
    """Register the decorated function as the work of jobs named `name`."""

    def register(run: Callable[[Job, Reporter], Any]) -> Callable[[Job, Reporter], Any]:
        if name in JOB_TYPES:
            raise ValueError(f"The job type {name} is registered twice.")
        JOB_TYPES[name] = JobType(name, queue, run, settled, max_attempts)
        return run

    return register
