"""Payout batches of a shop (tests/conversions.py): made, approved, settled."""

from config import tenancy
from rewards.models import PayoutBatch, PayoutItem
from rewards.services.payouts import (
    payout_batch_approve,
    payout_batch_create,
)
from rewards.services.settling import payout_items_settle
from tests.factories import ACTOR, SANDBOX


def create(shop, people, **given):
    with tenancy.tenant(shop.organization.id, SANDBOX):
        return payout_batch_create(
            **{
                "organization_id": shop.organization.id,
                "environment": SANDBOX,
                "provider": "bank_file",
                "currency": "EUR",
                "created_by": people[0],
                "actor": ACTOR,
            }
            | given
        )


def approve(shop, batch, person, expected=None):
    with tenancy.tenant(shop.organization.id, SANDBOX):
        if expected is None:
            items = batch.items.filter(status="draft")
            expected = sum(items.values_list("gross_minor", flat=True))
        return payout_batch_approve(
            batch_id=batch.id, approved_by=person, actor=ACTOR, expected_minor=expected
        )


def settle(shop, batch, failure=""):
    with tenancy.tenant(shop.organization.id, SANDBOX):
        ids = list(batch.items.values_list("id", flat=True))
        return payout_items_settle(item_ids=ids, failure=failure, actor=ACTOR)


def items(shop):
    with tenancy.tenant(shop.organization.id, SANDBOX):
        return list(PayoutItem.objects.order_by("id"))


def state(batch):
    with tenancy.operator():
        return PayoutBatch.objects.get(id=batch.id).status


def paid_out(shop, people, transaction="t-1", **given):
    """A conversion whose user's reward has been paid."""
    shop.postback(transaction, **given)
    batch = create(shop, people)
    approve(shop, batch, people[1])
    settle(shop, batch)
    return batch
