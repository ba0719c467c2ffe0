"""What came of payouts: paid, or failed and given back. Each is settled once."""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from ledger.models import AccountKey, Kind, Transaction
from ledger.services.posting import Entry, Line, transactions_post
from partners.models import ApiClient
from partners.services.audit import Actor, audit_record
from rewards.accounts import debt_of, payable_of
from rewards.events import REWARD_FAILED, REWARD_PAID
from rewards.models import PayoutBatch, PayoutItem, Reward
from rewards.refusals import InvalidTransition
from webhooks.registry import EventType
from webhooks.services import events_emit

Item = PayoutItem.Status


@transaction.atomic
def payout_items_settle(
    *, item_ids: Sequence[UUID], failure: str = "", actor: Actor, reference: str = ""
) -> int:
    """Note what the bank did with payouts that are with it: paid, or with a `failure` given back.

    Answers how many were settled; those that are settled already stay. Raises InvalidTransition (409) where
    none is with the bank.
    """
    items = _locked([Item.SENT], item_ids)
    if not items:
        raise InvalidTransition("No such payout is with the bank.")
    settle: Callable[..., None] = _fail if failure else _pay
    settle(items, failure or reference)
    for item in items[:100]:
        audit_record(
            actor=actor,
            action="payout.failed" if failure else "payout.paid",
            target=item,
            organization_id=item.organization_id,
            after={"net": item.net_minor, "currency": item.currency, "failure": failure},
        )
    return len(items)


@transaction.atomic
def payout_item_record(*, item_id: UUID, reference: str = "", failure: str = "") -> bool:
    """Record a provider's answer; False where somebody else has."""
    items = _locked([Item.SENDING], [item_id])
    if not items:
        return False
    (_fail if failure else _pay)(items, failure or reference)
    return True


def rewards_pay(items: Sequence[PayoutItem]) -> None:
    """Mark and announce the rewards of items that are paid; one that was taken back meanwhile stays so."""
    now = timezone.now()
    rewards = _rewards_of(items)
    paid = [one for one in rewards if one.status == Reward.Status.QUEUED]
    for reward in paid:
        reward.status, reward.paid_at, reward.updated_at = Reward.Status.PAID, now, now
    Reward.objects.bulk_update(paid, ["status", "paid_at", "updated_at"], batch_size=1000)
    _announce(REWARD_PAID, paid)


def batches_complete(batch_ids: Iterable[UUID]) -> None:
    """Complete approved batches none of whose items is open."""
    for batch in PayoutBatch.objects.filter(id__in=set(batch_ids), status=PayoutBatch.Status.APPROVED):
        open_items = batch.items.filter(status__in=(Item.QUEUED, Item.SENDING, Item.SENT))
        if not open_items.exists():
            PayoutBatch.objects.filter(id=batch.id).update(
                status=PayoutBatch.Status.COMPLETED, updated_at=timezone.now()
            )


def _locked(statuses: Sequence[str], item_ids: Sequence[UUID]) -> list[PayoutItem]:
    # batches first, so that the last two items of one do not miss each other
    batches = PayoutBatch.objects.select_for_update(of=("self",), no_key=True).filter(items__in=item_ids)
    list(batches.order_by("id").values_list("id", flat=True))
    rewards = Reward.objects.select_for_update(of=("self",)).filter(item__in=item_ids)
    list(rewards.order_by("id").values_list("id", flat=True))
    rows = PayoutItem.objects.select_for_update(of=("self",)).select_related("batch")
    return list(rows.filter(id__in=item_ids, status__in=statuses).order_by("id"))


def _pay(items: Sequence[PayoutItem], reference: str) -> None:
    _close(
        items,
        Item.PAID,
        provider_reference=reference,
        kind=Transaction.Kind.PAYOUT_PAID,
        lines=lambda item: [
            Line(AccountKey(Kind.PAYOUT_CLEARING, item.currency), item.net_minor),
            Line(AccountKey(Kind.CASH, item.currency), -item.net_minor),
        ],
    )
    rewards_pay(items)
    batches_complete(item.batch_id for item in items)


def _fail(items: Sequence[PayoutItem], failure: str) -> None:
    now = timezone.now()
    rewards = _rewards_of(items)
    debts: dict[UUID, int] = {}
    failed = []
    for reward in rewards:
        item_id = reward.item_id
        # what was taken back while it was on its way was never paid: the debt of it is gone
        if item_id and reward.debt_minor:
            debts[item_id] = debts.get(item_id, 0) + reward.debt_minor
        left = reward.amount_minor - reward.debt_minor
        if left and reward.status == Reward.Status.QUEUED:
            reward.amount_minor, reward.status, reward.failure = left, Reward.Status.FAILED, failure[:255]
            failed.append(reward)
        reward.debt_minor, reward.item, reward.updated_at = 0, None, now
    _close(
        items,
        Item.FAILED,
        failure=failure[:255],
        kind=Transaction.Kind.PAYOUT_FAILED,
        lines=lambda item: _given_back(item, debts.get(item.id, 0)),
    )
    Reward.objects.bulk_update(
        rewards,
        ["amount_minor", "status", "failure", "debt_minor", "item", "updated_at"],
        batch_size=1000,
    )
    _announce(REWARD_FAILED, failed)
    batches_complete(item.batch_id for item in items)


def _given_back(item: PayoutItem, taken_back: int) -> list[Line]:
    kind = Reward.Kind.USER if item.user_id else Reward.Kind.PARTNER
    payable = payable_of(kind, item.currency, item.client_id, item.user_id)
    debt = debt_of(item.currency, item.client_id, item.user_id)
    return [
        Line(payable, taken_back - item.gross_minor),
        Line(debt, item.debt_minor - taken_back),
        Line(AccountKey(Kind.PAYOUT_CLEARING, item.currency), item.net_minor),
    ]


def _close(
    items: Sequence[PayoutItem],
    status: str,
    *,
    kind: str,
    lines: Callable[[PayoutItem], list[Line]],
    provider_reference: str = "",
    failure: str = "",
) -> None:
    now = timezone.now()
    for item in items:
        item.status, item.settled_at, item.updated_at, item.claimed_until = status, now, now, None
        item.provider_reference, item.failure = provider_reference or item.provider_reference, failure
    PayoutItem.objects.bulk_update(
        items,
        ["status", "settled_at", "updated_at", "claimed_until", "provider_reference", "failure"],
        batch_size=1000,
    )
    worlds: dict[tuple[UUID, str], list[Entry]] = {}
    for item in items:
        worlds.setdefault((item.organization_id, item.environment), []).append(
            Entry(
                kind=kind,
                idempotency_key=f"{kind}:{item.id}",
                lines=lines(item),
                source_type="payout_item",
                source_id=item.id,
                description=f"Payout {item.batch.number}",
            )
        )
    for (organization_id, environment), entries in worlds.items():
        transactions_post(organization_id=organization_id, environment=environment, entries=entries)


def _rewards_of(items: Sequence[PayoutItem]) -> list[Reward]:
    rows = Reward.objects.filter(item__in=[item.id for item in items])
    return list(rows.select_related("conversion", "item").order_by("id"))


def _announce(kind: EventType, rewards: Iterable[Reward]) -> None:
    """To the clients whose users they are; a client that is gone hears nothing, and nobody in its place."""
    mine = [reward for reward in rewards if reward.kind == Reward.Kind.USER]
    living = set(
        ApiClient.objects.filter(id__in={one.client_id for one in mine}).values_list("id", flat=True)
    )
    events_emit([(kind, reward) for reward in mine if reward.client_id in living])
