"""Scheduled upkeep of the credentials app."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config import tenancy
from config.partitions import partitions_drop, partitions_prepare
from credentials.idempotency import idempotency_clean_up
from credentials.rollups import rollups_clean_up


@shared_task(name="credentials.prepare_partitions")
def prepare_partitions() -> None:
    """Make the coming days' partitions of every log. Running it twice makes nothing twice."""
    partitions_prepare()


@shared_task(name="credentials.clean_up")
def clean_up() -> None:
    """Drop what is past its retention: request logs, their roll-ups, idempotency records."""
    before = (timezone.now() - timedelta(days=settings.LOG_RETENTION_DAYS)).date()
    partitions_drop(table="partner_api_requests", before=before)
    rollups_clean_up(now=timezone.now())
    with tenancy.operator():
        idempotency_clean_up()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM credentials_admission WHERE at < now() - interval '1 minute'")
        cursor.execute("DELETE FROM credentials_admission_window WHERE begins < now() - interval '2 days'")
        cursor.execute("DELETE FROM credentials_admission_bucket WHERE at < now() - interval '1 day'")
