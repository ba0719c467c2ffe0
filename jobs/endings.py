"""How an attempt ends, and working on a job in the present process."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import structlog

from config.api.exceptions import ValidationFailed
from jobs.models import Job, JobAttempt
from jobs.registry import JobCanceled, JobFailure, JobTrouble, JobType, Reporter

log = structlog.get_logger(__name__)

Outcome = JobAttempt.Outcome


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of one attempt.

    `code` and `message` are the job's error should this attempt be its last; `detail` is for operators.
    Another attempt comes `wait_s` seconds later at the earliest.
    """

    outcome: JobAttempt.Outcome
    results: Any = None
    code: str = ""
    message: str = ""
    detail: str = ""
    peak_memory_bytes: int | None = None
    cpu_s: float | None = None
    wait_s: float = 0

    @property
    def is_repeatable(self) -> bool:
        """Whether another attempt may do better."""
        return self.outcome not in (Outcome.COMPLETED, Outcome.FAILED, Outcome.CANCELED)


def work_on(kind: JobType, job: Job, reporter: Reporter) -> Ending:
    """Do the job's work here. Never raises an Exception, except MemoryError."""
    job = copy(job)  # the caller's keeps the parameters as they are stored
    try:
        job.params = kind.params_read(job.params)
    except ValidationFailed as refusal:
        message = "The job's parameters are not valid any more."
        return Ending(Outcome.FAILED, code="params_invalid", message=message, detail=str(refusal.details))
    try:
        return Ending(Outcome.COMPLETED, results=kind.run(job, reporter))
    except JobCanceled:
        return Ending(Outcome.CANCELED)
    except JobFailure as failure:
        return Ending(Outcome.FAILED, code=failure.code, message=failure.message)
    except JobTrouble as trouble:
        log.warning("job_in_trouble", code=trouble.code)
        return Ending(Outcome.ERROR, code=trouble.code, message=trouble.message, wait_s=trouble.wait_s)
    except MemoryError:
        raise
    except Exception as error:
        log.exception("job_raised")
        return unexpected(error)


def unexpected(error: Exception) -> Ending:
    """The ending of an attempt that raised what nobody expected: partners are not told what."""
    return Ending(
        Outcome.ERROR,
        code="internal_error",
        message="The job failed unexpectedly.",
        detail=f"{type(error).__name__}: {error}",
    )
