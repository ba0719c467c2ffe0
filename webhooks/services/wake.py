"""Waking a dispatcher."""

from config.api.queue import enqueue_once

DISPATCH = "webhooks.dispatch"


def dispatcher_wake() -> None:
    """Have a worker dispatch once the open transaction commits."""
    enqueue_once(DISPATCH)
