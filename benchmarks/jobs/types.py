"""Job types and a task that only the benchmark has; its workers include this module."""

import time
from typing import Any

from celery import shared_task

from benchmarks.jobs.names import EMPTY, PAUSE
from jobs.models import Job
from jobs.registry import Reporter, job_type

_PAUSE_S = 0.02


@job_type(EMPTY)
def empty(job: Job, reporter: Reporter) -> dict[str, Any]:
    """Nothing: what is left is what the engine costs."""
    return {}


@job_type(PAUSE)
def pause(job: Job, reporter: Reporter) -> dict[str, Any]:
    """Nothing for a moment, so that a queue of these stays long."""
    time.sleep(_PAUSE_S)
    return {}


@shared_task(name=EMPTY)
def empty_task() -> None:
    """The same nothing as a task, with the hub's settings of Celery."""
