"""Payouts by HTTP: the intent is committed first, then the provider is asked, then its answer is recorded."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import F, Q
from django.utils import timezone

from config import tenancy
from config.outbound.errors import OutboundError
from rewards.models import PayoutItem
from rewards.providers import PROVIDERS, Order, PayoutRefused
from rewards.services.payees import payee_details
from rewards.services.settling import payout_item_record

log = structlog.get_logger(__name__)

Item = PayoutItem.Status
# Longer than the provider is waited for; whoever died in between is followed after it.
LEASE = timedelta(seconds=90)
_RETRY = timedelta(seconds=60)
_MOST_RETRY = timedelta(hours=1)


def payouts_send(*, limit: int = 500, lease: timedelta = LEASE) -> int:
    """Send what is approved, or find out what came of it; answers how many payouts were settled.

    An item is claimed in a transaction of its own before anybody is asked. Whoever dies between the
    provider's answer and its record leaves a claim: after `lease` the provider is asked for the outcome
    first, and asked again only under the same key, so that it is paid once. Two at once take different
    items. What nobody knows the outcome of is never given back: it waits, visibly, until the provider says.
    """
    settled = 0
    for _ in range(limit):
        item = _claim(lease)
        if item is None:
            break
        settled += _send(item)
    return settled


def _claim(lease: timedelta) -> PayoutItem | None:
    now = timezone.now()
    with tenancy.operator():
        due = PayoutItem.objects.select_related("batch").filter(
            Q(claimed_until=None) | Q(claimed_until__lte=now), status__in=(Item.QUEUED, Item.SENDING)
        )
        item = (
            due.select_for_update(skip_locked=True, of=("self",))
            .order_by(F("claimed_until").asc(nulls_first=True), "id")
            .first()
        )
        if item is None:
            return None
        item.status, item.claimed_until = Item.SENDING, now + lease
        item.attempt_count += 1
        item.save(update_fields=["status", "claimed_until", "attempt_count", "updated_at"])
        return item


def _send(item: PayoutItem) -> bool:
    provider = PROVIDERS[item.batch.provider]()
    order = Order(
        key=str(item.id),
        amount_minor=item.net_minor,
        currency=item.currency,
        account=payee_details(bytes(item.details_sealed))["account"],
        description=f"Payout {item.batch.number}",
    )
    try:
        # of the first attempt nothing can have come yet
        sent = provider.outcome(order) if item.attempt_count > 1 else None
        sent = sent or provider.send(order)
    except PayoutRefused as refusal:
        return _record(item, failure=str(refusal) or "refused")
    except OutboundError as error:
        log.warning("payout_unanswered", item=str(item.id), code=error.code, attempt=item.attempt_count)
        _postpone(item.id, item.attempt_count, error.message)
        return False
    return _record(item, reference=sent.reference)


def _record(item: PayoutItem, *, reference: str = "", failure: str = "") -> bool:
    with tenancy.tenant(item.organization_id, item.environment):
        return payout_item_record(item_id=item.id, reference=reference, failure=failure)


def _postpone(item_id: UUID, attempt: int, message: str) -> None:
    wait = min(_RETRY * 2 ** min(attempt - 1, 10), _MOST_RETRY)
    with tenancy.operator():
        PayoutItem.objects.filter(id=item_id, status=Item.SENDING).update(
            claimed_until=timezone.now() + wait, failure=message[:255], updated_at=timezone.now()
        )
