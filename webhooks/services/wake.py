"""Waking a dispatcher, once for many changes."""

from django.core.cache import cache
from django.db import transaction

from config.api.queue import enqueue

_WOKEN = "webhooks:woken"
# A message that was lost holds others back no longer than the sweep's interval.
_WOKEN_S = 5


def dispatcher_wake() -> None:
    """Have a worker dispatch once the open transaction commits.

    While a message waits that no worker has taken yet, no second one is sent: the first will find
    this row too.
    """
    transaction.on_commit(_wake)


def dispatcher_woken() -> None:
    """A worker took the message; changes committed from now on need a new one."""
    cache.delete(_WOKEN)


def _wake() -> None:
    # without the store there is no broker either: the sweep wakes one once it is back
    if cache.add(_WOKEN, 1, timeout=_WOKEN_S):
        enqueue("webhooks.dispatch")
