"""Sending background tasks only once their rows are committed."""

from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def enqueue(task_name: str, /, **kwargs: object) -> None:
    """Send a Celery task by name once the open transaction commits (at once if none is open).

    A broker that does not answer loses nothing: the row waits for the sweep of its app.
    Raises celery.exceptions.NotRegistered here, in the caller, for a name no task has.
    """
    task = current_app.tasks[task_name]
    transaction.on_commit(partial(_send, task, kwargs))


def _send(task: object, kwargs: dict[str, object]) -> None:
    try:
        task.apply_async(kwargs=kwargs, retry=False)  # type: ignore[attr-defined]
    except OperationalError as error:
        log.warning("broker_unavailable", task=task.name, error=str(error))  # type: ignore[attr-defined]
