"""Payout batches: put together by one person, approved by another, booked once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from sepaxml.validation import ValidationError as FileRefused

from config.api.exceptions import BusinessRule, NotFound
from config.encryption import seal, unseal
from ledger.models import AccountKey, Kind, Transaction
from ledger.selectors import balances_of
from ledger.services.posting import Entry, Line, transactions_post
from partners.models import User
from partners.services.audit import Actor, audit_record
from rewards.accounts import debt_of, payable_of
from rewards.models import Payee, PayoutBatch, PayoutItem, Reward
from rewards.providers.bank_file import Account, Transfer, bank_file
from rewards.refusals import BatchChanged, InvalidTransition, SecondPersonRequired
from rewards.selectors.rates import terms_of
from rewards.services.payees import payee_details, payer_of
from rewards.services.settling import batches_complete, rewards_pay

Provider, Status = PayoutBatch.Provider, PayoutBatch.Status
Item = PayoutItem.Status
_METHODS = {Provider.BANK_FILE: Payee.Method.BANK, Provider.STRIPE: Payee.Method.STRIPE}
_FILE = "payout-file"
# So many rewards a batch; the next one takes the rest.
_MOST_REWARDS = 50_000
_EXECUTED_AFTER = timedelta(days=1)


class _PayeeKey(NamedTuple):
    client_id: UUID
    user_id: str


@transaction.atomic
def payout_batch_create(
    *,
    organization_id: UUID,
    environment: str,
    provider: str,
    currency: str,
    created_by: User,
    actor: Actor,
    minimum_minor: int | None = None,
) -> PayoutBatch:
    """Put together what is due: each payee's rewards whose hold is over, less the payee's debt.

    Left for a later batch: payees with less than the minimum (the organization's, unless given), without
    details for this provider, or with a payout under way. Nothing moves in the ledger. Two at once take
    different rewards. Raises BusinessRule (422) with `reason` provider_missing, or nothing_due.
    """
    if provider == Provider.STRIPE and not settings.STRIPE_SECRET_KEY:
        raise BusinessRule("Stripe is not configured.", reason="provider_missing")
    if minimum_minor is None:
        minimum_minor = terms_of(organization_id, environment).minimum_payout_minor
    _lock_numbers(organization_id, environment)
    due = _due(organization_id, environment, provider, currency)
    debts = _debts(organization_id, environment, currency, due)
    batch = PayoutBatch.objects.create(
        organization_id=organization_id,
        environment=environment,
        number=_next_number(organization_id, environment),
        provider=provider,
        currency=currency,
        minimum_minor=minimum_minor,
        created_by=created_by,
    )
    items: list[PayoutItem] = []
    held: dict[UUID, PayoutItem] = {}
    for key, (payee, rewards) in due.items():
        gross = sum(reward.amount_minor for reward in rewards)
        # a debt that takes all is paid off whatever the minimum
        if 0 < gross - debts[key] < minimum_minor:
            continue
        item = PayoutItem(
            organization_id=organization_id,
            environment=environment,
            batch=batch,
            payee=payee,
            client_id=key.client_id,
            user_id=key.user_id,
            currency=currency,
            gross_minor=gross,
            net_minor=gross,
        )
        items.append(item)
        held |= {reward.id: item for reward in rewards}
    if not items:
        raise BusinessRule("No payee has enough to be paid out.", reason="nothing_due")
    PayoutItem.objects.bulk_create(items)
    chosen = [reward for _, rewards in due.values() for reward in rewards if reward.id in held]
    for reward in chosen:
        reward.item, reward.status, reward.failure = held[reward.id], Reward.Status.QUEUED, ""
    Reward.objects.bulk_update(chosen, ["item", "status", "failure"], batch_size=1000)
    _audit(batch, actor, "payout_batch.created", {"items": len(items), "total": _total(items)})
    return batch


def payout_batch_approve(
    *, batch_id: UUID, approved_by: User, actor: Actor, expected_minor: int
) -> PayoutBatch:
    """Approve a batch, as the second person: it is booked and goes to its provider, once.

    `expected_minor` is the sum that the person has seen. A bank file is made here and is the same from then
    on; payouts by HTTP are sent by the next run. Of many approvals at once one is made, the others raise
    InvalidTransition (409). Raises SecondPersonRequired (403), BatchChanged (409), BusinessRule (422) with
    `reason` payer_missing or bank_file_refused.
    """
    with transaction.atomic():
        batch = _locked(batch_id)
        if batch.status != Status.DRAFT:
            raise InvalidTransition("The batch is not a draft any more.")
        if batch.created_by_id == approved_by.pk:
            raise SecondPersonRequired
        items = _locked_items(batch)
        if not items or _total(items) != expected_minor:
            raise BatchChanged
        _deduct_debts(batch, items)
        batch.status, batch.approved_by, batch.approved_at = Status.APPROVED, approved_by, timezone.now()
        paying = [item for item in items if item.net_minor]
        if batch.provider == Provider.BANK_FILE and paying:
            batch.file_sealed = seal(_file(batch, paying), purpose=_FILE)
        batch.save()
        _send_off(batch, items)
        batches_complete([batch.id])
        total = sum(item.net_minor for item in items)
        _audit(batch, actor, "payout_batch.approved", {"items": len(items), "paid": total})
    batch.refresh_from_db()
    return batch


@transaction.atomic
def payout_batch_cancel(*, batch_id: UUID, actor: Actor) -> PayoutBatch:
    """Give a draft's rewards back to the next batch. Raises InvalidTransition (409) once it is approved."""
    batch = _locked(batch_id)
    if batch.status != Status.DRAFT:
        raise InvalidTransition("The batch is not a draft any more.")
    items = _locked_items(batch)
    Reward.objects.filter(item__in=items).update(item=None, updated_at=timezone.now())
    PayoutItem.objects.filter(id__in=[item.id for item in items]).update(
        status=Item.CANCELLED, updated_at=timezone.now()
    )
    batch.status = Status.CANCELLED
    batch.save(update_fields=["status", "updated_at"])
    _audit(batch, actor, "payout_batch.cancelled", {})
    return batch


def payout_file_open(batch: PayoutBatch) -> bytes:
    """The bank file of an approved batch, the same each time. Raises NotFound (404) where it has none."""
    if not batch.file_sealed:
        raise NotFound("This batch has no bank file.")
    return unseal(bytes(batch.file_sealed), purpose=_FILE)


def _due(
    organization_id: UUID, environment: str, provider: str, currency: str
) -> dict[_PayeeKey, tuple[Payee, list[Reward]]]:
    payees = {
        _PayeeKey(payee.client_id, payee.user_id): payee
        for payee in Payee.objects.for_organization(organization_id, environment).filter(
            method=_METHODS[Provider(provider)]
        )
    }
    under_way = set(
        PayoutItem.objects.for_organization(organization_id, environment)
        .filter(currency=currency, status__in=(Item.DRAFT, Item.QUEUED, Item.SENDING, Item.SENT))
        .values_list("client_id", "user_id")
    )
    rewards = (
        Reward.objects.for_organization(organization_id, environment)
        .filter(
            currency=currency,
            status__in=(Reward.Status.QUEUED, Reward.Status.FAILED),
            item=None,
            available_at__lte=timezone.now(),
        )
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("id")[:_MOST_REWARDS]
    )
    due: dict[_PayeeKey, tuple[Payee, list[Reward]]] = {}
    for reward in rewards:
        key = _PayeeKey(reward.client_id, reward.user_id)
        if key in payees and key not in under_way:
            due.setdefault(key, (payees[key], []))[1].append(reward)
    return due


def _debts(
    organization_id: UUID, environment: str, currency: str, keys: Iterable[_PayeeKey]
) -> dict[_PayeeKey, int]:
    accounts = {debt_of(currency, *key): key for key in keys}
    found = balances_of(list(accounts), organization_id=organization_id, environment=environment)
    return {accounts[account]: balance for account, balance in found.items()}


def _deduct_debts(batch: PayoutBatch, items: Sequence[PayoutItem]) -> None:
    keys = [_PayeeKey(item.client_id, item.user_id) for item in items]
    debts = _debts(batch.organization_id, batch.environment, batch.currency, keys)
    for item, key in zip(items, keys, strict=True):
        item.debt_minor = min(debts[key], item.gross_minor)
        item.net_minor = item.gross_minor - item.debt_minor


def _send_off(batch: PayoutBatch, items: Sequence[PayoutItem]) -> None:
    """Book approved items, and set them on their way; a debt that takes all is a payout that is over."""
    now = timezone.now()
    entries = []
    on_the_way = Item.SENT if batch.provider == Provider.BANK_FILE else Item.QUEUED
    payees = Payee.objects.in_bulk([item.payee_id for item in items])
    for item in items:
        item.status = on_the_way if item.net_minor else Item.PAID
        item.settled_at = None if item.net_minor else now
        item.details_sealed = payees[item.payee_id].details_sealed
        item.updated_at = now
        entries.append(
            Entry(
                kind=Transaction.Kind.PAYOUT,
                idempotency_key=f"payout:{item.id}",
                lines=payout_lines(item),
                source_type="payout_item",
                source_id=item.id,
                description=f"Payout {batch.number}",
            )
        )
    PayoutItem.objects.bulk_update(
        items,
        ["status", "settled_at", "details_sealed", "debt_minor", "net_minor", "updated_at"],
        batch_size=1000,
    )
    transactions_post(organization_id=batch.organization_id, environment=batch.environment, entries=entries)
    rewards_pay([item for item in items if item.status == Item.PAID])


def payout_lines(item: PayoutItem) -> list[Line]:
    """What an approved payout moves: what is owed, less the debt, to the clearing account."""
    kind = Reward.Kind.USER if item.user_id else Reward.Kind.PARTNER
    return [
        Line(payable_of(kind, item.currency, item.client_id, item.user_id), item.gross_minor),
        Line(debt_of(item.currency, item.client_id, item.user_id), -item.debt_minor),
        Line(AccountKey(Kind.PAYOUT_CLEARING, item.currency), -item.net_minor),
    ]


def _file(batch: PayoutBatch, items: Sequence[PayoutItem]) -> bytes:
    payer = payer_of(terms_of(batch.organization_id, batch.environment))
    if payer is None:
        raise BusinessRule("Say first whose account bank files pay from.", reason="payer_missing")
    payees = Payee.objects.in_bulk([item.payee_id for item in items])
    transfers = []
    for item in items:
        details = payee_details(bytes(payees[item.payee_id].details_sealed))
        if "iban" not in details:
            raise BusinessRule("A payee is not paid by bank any more.", reason="bank_file_refused")
        to = Account(details["name"], details["iban"], details["bic"])
        transfers.append(Transfer(item.id.hex, to, item.net_minor, f"Payout {batch.number}"))
    today = (batch.approved_at or timezone.now()).date()
    try:
        return bank_file(
            message_id=batch.id.hex,
            payer=payer,
            currency=batch.currency,
            transfers=transfers,
            on=today + _EXECUTED_AFTER,
        )
    except (FileRefused, ValueError) as error:
        raise BusinessRule(f"The bank file cannot be made: {error}", reason="bank_file_refused") from error


def _locked(batch_id: UUID) -> PayoutBatch:
    found = PayoutBatch.objects.select_for_update(of=("self",)).filter(id=batch_id).first()
    if found is None:
        raise NotFound("There is no such payout batch.")
    return found


def _locked_items(batch: PayoutBatch) -> list[PayoutItem]:
    """The batch's items; their rewards are locked first, as whoever changes a conversion does."""
    rewards = Reward.objects.select_for_update(of=("self",)).filter(item__batch=batch)
    list(rewards.order_by("id").values_list("id", flat=True))
    items = PayoutItem.objects.select_for_update(of=("self",)).filter(batch=batch, status=Item.DRAFT)
    return list(items.order_by("id"))


def _total(items: Iterable[PayoutItem]) -> int:
    return sum(item.gross_minor for item in items)


def _lock_numbers(organization_id: UUID, environment: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"hub_payout:{organization_id}:{environment}"],
        )


def _next_number(organization_id: UUID, environment: str) -> int:
    rows = PayoutBatch.objects.for_organization(organization_id, environment)
    return (rows.aggregate(last=Max("number"))["last"] or 0) + 1


def _audit(batch: PayoutBatch, actor: Actor, action: str, after: dict[str, int]) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=batch,
        organization_id=batch.organization_id,
        after={"currency": batch.currency, "provider": batch.provider} | after,
    )
