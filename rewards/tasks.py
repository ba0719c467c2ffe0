"""Celery's side of the rewards app."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from config.partitions import partitions_drop
from rewards.rollups import clicks_clean_up


@shared_task(name="rewards.clean_up_clicks")
def clean_up_clicks() -> None:
    """Drop clicks, hours, salts and changes past their retention. Two at once do no harm."""
    now = timezone.now()
    partitions_drop(
        table="rewards_click", before=(now - timedelta(days=settings.CLICK_RETENTION_DAYS)).date()
    )
    clicks_clean_up(now=now)
