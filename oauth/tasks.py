"""Scheduled upkeep of the oauth app."""

from celery import shared_task

from config import tenancy
from oauth.services.tokens import tokens_clean_up


@shared_task(name="oauth.clean_up")
def clean_up() -> None:
    """Delete codes, tokens and secrets that are over. Running it twice deletes nothing twice."""
    with tenancy.operator():
        tokens_clean_up()
