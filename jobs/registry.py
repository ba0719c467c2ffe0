"""Job types: what a worker can run. A module `jobs.py` or `tasks.py` of an app registers its own."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer

from config.api.errors import as_domain_error
from config.api.exceptions import ValidationFailed
from jobs.models import Job


class JobFailure(Exception):
    """The job cannot succeed, however often it is tried: `code` is stable, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class JobTrouble(Exception):
    """This attempt failed for a reason that may pass: another is made as the type's retry policy says.

    `code` and `message` are the job's error if it was the last. Whoever knows better than the policy when it
    may pass (a `Retry-After`) says so in `wait_s`: the next attempt comes no earlier.
    """

    def __init__(self, code: str, message: str, *, wait_s: float = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.wait_s = code, message, wait_s


class JobCanceled(Exception):
    """The job was canceled, or another worker holds it now: stop without a trace."""


class Reporter(Protocol):
    """How a running job tells where it is."""

    def progress(self, stage: str, percent: int) -> None:
        """Record stage and progress (0 to 100, never backwards). Raises JobCanceled."""

    def canceled(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Retry:
    """How long a job waits after an attempt that may be repeated.

    `delay_s`, times `multiplier` each time, up to `max_delay_s`, give or take the share `jitter`.
    """

    delay_s: float = 10
    multiplier: float = 2
    jitter: float = 0.2
    max_delay_s: float = 3600

    def wait(self, attempt: int) -> timedelta:
        """The wait after attempt number `attempt`, which counts from 1."""
        delay_s = min(self.delay_s * self.multiplier ** (attempt - 1), self.max_delay_s)
        return timedelta(seconds=delay_s * random.uniform(1 - self.jitter, 1 + self.jitter))  # noqa: S311


Work = Callable[[Job, Reporter], Any]
Hook = Callable[[Job], None]


@dataclass(frozen=True, slots=True)
class JobType:
    """What `job_type` was told; see there."""

    name: str
    queue: str
    run: Work
    settled: Hook | None = None
    max_attempts: int = 3
    params: type[Serializer] | None = None
    retry: Retry = Retry()
    time_limit_s: float | None = None
    memory_limit_mb: int | None = None
    sla_s: float | None = None
    breached: Hook | None = None
    concurrency_per_organization: int | None = None
    is_announced: bool = True

    @property
    def is_confined(self) -> bool:
        """Whether each attempt runs in a process of its own, which can be killed (jobs/confinement.py)."""
        return self.time_limit_s is not None or self.memory_limit_mb is not None

    def params_read(self, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters as the type's serializer reads them; as they are without one.

        Raises config.api.exceptions.ValidationFailed (400).
        """
        if self.params is None:
            return params
        serializer = self.params(data=params)
        try:
            serializer.is_valid(raise_exception=True)
        except ValidationError as error:
            refusal = as_domain_error(error)
            raise ValidationFailed.of(refusal.details if refusal else {}) from error
        return serializer.validated_data


JOB_TYPES: dict[str, JobType] = {}


def job_type(
    name: str,
    *,
    queue: str = "default",
    settled: Hook | None = None,
    max_attempts: int = 3,
    params: type[Serializer] | None = None,
    retry: Retry = Retry(),
    time_limit_s: float | None = None,
    memory_limit_mb: int | None = None,
    sla_s: float | None = None,
    breached: Hook | None = None,
    concurrency_per_organization: int | None = None,
    is_announced: bool = True,
) -> Callable[[Work], Work]:
    """Register the decorated function as the work of jobs named `name`.

    The function works outside any transaction and answers the results (JSON). `settled` runs in the
    transaction that completes or fails the job: what is announced there commits with it.

    `params` validates what a job is given, when it is submitted and again before each attempt, whose
    `job.params` are the validated ones. `retry` says when an attempt that raised, crashed or met a limit is
    repeated; a JobFailure never is. With `time_limit_s` (wall clock) or `memory_limit_mb` (beyond what the
    bare process needs) each attempt runs in a process of its own; the function must then be importable.

    Of one organization no more than `concurrency_per_organization` jobs of the type run at a time, in however
    many workers; the others wait and hold nobody up.

    A job not settled `sla_s` after its submission is flagged once, and `breached` called in that transaction.

    Its end is the event `job.completed` or `job.failed`, unless it is the hub's own affair (`is_announced`).
    """

    def register(run: Work) -> Work:
        if name in JOB_TYPES:
            raise ValueError(f"The job type {name} is registered twice.")
        JOB_TYPES[name] = JobType(
            name,
            queue,
            run,
            settled,
            max_attempts,
            params,
            retry,
            time_limit_s,
            memory_limit_mb,
            sla_s,
            breached,
            concurrency_per_organization,
            is_announced,
        )
        return run

    return register
