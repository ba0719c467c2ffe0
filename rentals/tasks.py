"""Celery's side of rentals."""

from celery import shared_task

from rentals.services.sweeping import orders_sweep


@shared_task(name="rentals.sweep")
def sweep() -> None:
    """End quotes and flag what is overdue. Two at once do no harm."""
    orders_sweep()
