"""Celery's side of bookings."""

from celery import shared_task

from bookings.services.bookings import holds_expire


@shared_task(name="bookings.expire_holds")
def expire_holds() -> None:
    """End holds that were not confirmed in time. Two at once do no harm."""
    holds_expire()
