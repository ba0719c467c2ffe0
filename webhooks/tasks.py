"""Celery's side of webhooks. Messages name no delivery: the rows are the work, a message only
wakes.
"""

from datetime import timedelta

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from config.api.queue import enqueue, message_taken
from webhooks.services.endpoints import notices_send
from webhooks.services.replays import replays_are_running, replays_continue
from webhooks.services.request_bins import request_bins_clean_up
from webhooks.services.upkeep import history_clean_up, work_is_due
from webhooks.services.wake import DISPATCH, dispatcher_wake

log = structlog.get_logger(__name__)

RETRY_FAILED_FOR = timedelta(days=1)


@shared_task(name=DISPATCH)
def dispatch() -> None:
    """Send what is due. Two at once share the work."""
    from webhooks import dispatcher  # noqa: PLC0415 (aiohttp is for who sends, not for every process)

    message_taken(DISPATCH)
    # where nothing was sent, what is due waits for another: its order, its pace, its dispatcher
    if dispatcher.drain() and work_is_due():
        dispatcher_wake()


@shared_task(name="webhooks.sweep")
def sweep() -> None:
    """Wake a dispatcher for what no message speaks of: retries, expired leases, events of a lost
    message.
    """
    if work_is_due():
        dispatcher_wake()
    if replays_are_running():
        enqueue("webhooks.replay")


@shared_task(name="webhooks.replay")
def replay() -> None:
    """Go on with the replays that were asked for."""
    replays_continue()


@shared_task(name="webhooks.retry_failed")
def retry_failed() -> dict[str, int]:
    """Retry what failed within the last day, once; answers total, successful, failed."""
    from webhooks import dispatcher  # noqa: PLC0415 (as above)

    counts = dispatcher.retry_failed(since=timezone.now() - RETRY_FAILED_FOR)
    log.info("failed_webhooks_retried", **counts)
    return counts


@shared_task(name="webhooks.tell_disabled")
def tell_disabled() -> None:
    """Tell people of endpoints that were disabled; on a schedule too, for what was lost."""
    notices_send()


@shared_task(name="webhooks.clean_up")
def clean_up() -> None:
    """Remove attempts, settled deliveries and events older than LOG_RETENTION_DAYS, and request bins."""
    request_bins_clean_up()
    history_clean_up(before=timezone.now() - timedelta(days=settings.LOG_RETENTION_DAYS))
