"""Celery's side of the ledger."""

from celery import shared_task

from ledger.services.upkeep import statements_checkpoint


@shared_task(name="ledger.checkpoint")
def checkpoint() -> None:
    """Close stretches of postings, so that statements stay quick. Two at once do no harm."""
    statements_checkpoint()
