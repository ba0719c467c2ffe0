"""Items and what takes them out of use."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from config.api.exceptions import Conflict
from partners.services.audit import Actor, audit_record
from rentals.models import Block, Item, Line
from rentals.services.allocating import CAPACITY, allocation_end, block_allocate

_AUDITED = (
    "name", "sku", "category", "description", "quantity", "price_hour_minor", "price_day_minor",
    "price_week_minor", "deposit_minor", "tax_rate", "currency", "is_active",
)  # fmt: skip


class SkuTaken(Conflict):
    """409: another item has this SKU."""

    message = "Another item has this SKU."


class Promised(Conflict):
    """409: more are reserved or in repair than would be left."""

    message = "More than that are reserved, out or in repair at some time."


@transaction.atomic
def item_create(*, organization_id: UUID, environment: str, actor: Actor, **terms: Any) -> Item:
    """Take an item into the inventory; `terms` are its columns. Raises SkuTaken (409)."""
    item = Item(organization_id=organization_id, environment=environment, **terms)
    _save(item, {"force_insert": True})
    audit_record(
        actor=actor,
        action="item.create",
        target=item,
        organization_id=organization_id,
        after=_terms(item),
    )
    return item


@transaction.atomic
def item_update(*, item_id: UUID, actor: Actor, **terms: Any) -> Item:
    """Change an item; orders keep the prices they were made with.

    Raises Item.DoesNotExist (404), SkuTaken (409), and Promised (409) for a quantity below what is promised.
    """
    item = Item.objects.select_for_update(of=("self",)).get(id=item_id)
    before = _terms(item)
    for name, value in terms.items():
        setattr(item, name, value)
    _save(item, {"update_fields": [*terms, "updated_at"]})
    audit_record(
        actor=actor,
        action="item.update",
        target=item,
        organization_id=item.organization_id,
        before=before,
        after=_terms(item),
    )
    return item


@transaction.atomic
def block_create(
    *,
    item: Item,
    quantity: int,
    starts_at: datetime,
    ends_at: datetime | None,
    reason: str,
    actor: Actor,
    is_fact: bool = False,
) -> Block:
    """Take some of an item out of use.

    Raises NotAvailable (409) where they are promised, unless it is a fact.
    """
    block = Block.objects.create(
        organization_id=item.organization_id,
        environment=item.environment,
        item=item,
        quantity=quantity,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
    )
    block_allocate(block, unplanned=is_fact)
    _audit_block(block, "block.create", actor)
    return block


@transaction.atomic
def block_end(*, block_id: UUID, actor: Actor) -> Block:
    """Put what was out of use back on the shelf, now. Raises Block.DoesNotExist (404)."""
    now = timezone.now()
    block = Block.objects.select_for_update(of=("self",)).get(id=block_id)
    if block.ends_at is None or block.ends_at > now:
        allocation_end(block.allocation, now)
        _audit_block(block, "block.end", actor)
        if block.starts_at >= now:
            block.delete()
        else:
            block.ends_at = now
            block.save(update_fields=["ends_at", "updated_at"])
    return block


def damage_block(*, line: Line, quantity: int, now: datetime) -> Block:
    """Keep back what came home damaged, until somebody ends the block."""
    block = Block.objects.create(
        organization_id=line.organization_id,
        environment=line.environment,
        item_id=line.item_id,
        quantity=quantity,
        starts_at=now,
        reason=f"Damaged in order {line.order_id}",
    )
    block_allocate(block, unplanned=True)
    return block


def _save(item: Item, how: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            item.save(**how)
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        if name == "item_sku":
            raise SkuTaken from error
        if name == CAPACITY:
            raise Promised from error
        raise


def _terms(item: Item) -> dict[str, Any]:
    return {
        name: str(value) if name == "tax_rate" else value
        for name in _AUDITED
        for value in (getattr(item, name),)
    }


def _audit_block(block: Block, action: str, actor: Actor) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=block,
        organization_id=block.organization_id,
        after={"item": str(block.item_id), "quantity": block.quantity, "reason": block.reason},
    )
