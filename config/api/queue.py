"""Sending background tasks only once their rows are committed."""

from collections.abc import Callable
from functools import partial

import structlog
from celery import current_app
from django.core.cache import cache
from django.db import connection, transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

# A message that was lost holds others back no longer than a sweep's interval.
_LOST_AFTER_S = 5


def enqueue(task_name: str, /, **kwargs: object) -> None:
    """Send a Celery task by name once the open transaction commits (at once if none is open).

    A broker that does not answer loses nothing: the row waits for the sweep of its app.
    Raises celery.exceptions.NotRegistered here, in the caller, for a name no task has.
    """
    task = current_app.tasks[task_name]
    _after_commit(partial(_send, task, kwargs))


def enqueue_once(task_name: str) -> None:
    """As `enqueue`, without arguments and once for many changes.

    While a message waits that no worker has taken yet, no second one is sent: the first finds this change,
    too. The task calls `message_taken` before it looks.
    """
    _after_commit(partial(_send_once, task_name))


def message_taken(task_name: str) -> None:
    """A worker took the message; changes committed from now on need a new one."""
    cache.delete(_waiting(task_name))


def _send_once(task_name: str) -> None:
    # without the store there is no broker either: the sweep sends one once it is back
    if cache.add(_waiting(task_name), 1, timeout=_LOST_AFTER_S):
        enqueue(task_name)


def _after_commit(send: Callable[[], None]) -> None:
    # without a transaction `on_commit` would take a database connection, to see that there is none
    if connection.in_atomic_block:
        transaction.on_commit(send)
    else:
        send()


def _waiting(task_name: str) -> str:
    return f"queue:waiting:{task_name}"


def _send(task: object, kwargs: dict[str, object]) -> None:
    try:
        task.apply_async(kwargs=kwargs, retry=False)  # type: ignore[attr-defined]
    except OperationalError as error:
        log.warning("broker_unavailable", task=task.name, error=str(error))  # type: ignore[attr-defined]
