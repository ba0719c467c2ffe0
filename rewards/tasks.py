"""Celery's side of rewards."""

from celery import shared_task

from ledger.services.upkeep import books_reconcile
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
