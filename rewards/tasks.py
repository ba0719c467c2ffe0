"""Celery's side of rewards."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from config.partitions import partitions_drop
from ledger.services.upkeep import books_reconcile
from rewards.rollups import clicks_clean_up
from rewards.services.conversions import conversions_attribute_late
from rewards.services.reconciling import rewards_check
from rewards.services.sending import payouts_send


@shared_task(name="rewards.send_payouts")
def send_payouts() -> None:
    """Send approved payouts, and follow those whose sender died. Two at once share the work."""
    payouts_send()


@shared_task(name="rewards.attribute_late")
def attribute_late() -> None:
    """Find clicks that came after their conversion. Two at once do no harm."""
    conversions_attribute_late()


@shared_task(name="rewards.reconcile")
def reconcile() -> None:
    """Recompute every organization's books, and compare them with its rewards. Two at once do no harm."""
    books_reconcile(checks=[rewards_check])


@shared_task(name="rewards.clean_up_clicks")
def clean_up_clicks() -> None:
    """Drop clicks, hours, salts and changes past their retention. Two at once do no harm."""
    now = timezone.now()
    partitions_drop(
        table="rewards_click", before=(now - timedelta(days=settings.CLICK_RETENTION_DAYS)).date()
    )
    clicks_clean_up(now=now)
