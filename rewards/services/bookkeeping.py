"""What the ledger and the rewards have of a conversion, brought to what it should be."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from config.row_inserts import RowInsert
from ledger.models import AccountKey, Kind, Transaction
from ledger.services.posting import Entry, Line, transaction_post
from rewards.accounts import debt_of, payable_of
from rewards.events import REWARD_ADJUSTED, REWARD_QUEUED, REWARD_REVERSED
from rewards.models import Conversion, PayoutItem, Reward
from rewards.splits import Parts
from webhooks.registry import EventType
from webhooks.services import event_emit

Status = Reward.Status
REWARD_ROWS = RowInsert(Reward)


class Booking(NamedTuple):
    """What is to be written of a conversion: a transaction of the ledger, and rewards that are new."""

    entry: Entry
    rewards: list[Reward]


def conversion_book(*, conversion: Conversion, target: Parts, hold_days: int, kind: str) -> UUID | None:
    """Move the difference between what is booked of a conversion and `target`; answers the transaction.

    For whoever holds the conversion's row, which it changes and the caller saves. A part that grows is a
    reward (or a larger one); a part that shrinks is taken from rewards that nobody has paid or approved yet,
    and beyond them is a debt of the payee. Nothing is posted where nothing differs.
    """
    booking = _booked(conversion, target, hold_days, kind)
    if booking is None:
        return None
    Reward.objects.bulk_create(booking.rewards)
    for reward in booking.rewards:
        if is_announced(reward, conversion):
            _announce(reward, conversion, REWARD_QUEUED)
    return transaction_post(
        organization_id=conversion.organization_id,
        environment=conversion.environment,
        entry=booking.entry,
    )


def first_booking(*, conversion: Conversion, target: Parts, hold_days: int) -> Booking | None:
    """As `conversion_book` for a conversion that has no row yet, but whoever asks writes what is answered."""
    return _booked(conversion, target, hold_days, Transaction.Kind.CONVERSION)


def is_announced(reward: Reward, conversion: Conversion) -> bool:
    """Whether its client hears of a reward: of its users', while there is a client."""
    return reward.kind == Reward.Kind.USER and conversion.client_id is not None


def _booked(conversion: Conversion, target: Parts, hold_days: int, kind: str) -> Booking | None:
    delta = Parts(
        target.platform - conversion.platform_minor,
        target.partner - conversion.partner_minor,
        target.user - conversion.user_minor,
    )
    if not any(delta):
        return None
    currency = conversion.currency
    lines = [
        Line(AccountKey(Kind.NETWORK_RECEIVABLE, currency), delta.total),
        Line(AccountKey(Kind.PLATFORM_REVENUE, currency), -delta.platform),
    ]
    rewards = _Rewards(conversion, hold_days, known=conversion.bookings > 0)
    lines += rewards.change(Reward.Kind.PARTNER, delta.partner)
    lines += rewards.change(Reward.Kind.USER, delta.user)
    conversion.platform_minor, conversion.partner_minor, conversion.user_minor = target
    conversion.bookings += 1
    entry = Entry(
        kind=Transaction.Kind(kind),
        idempotency_key=f"conversion:{conversion.id}:{conversion.bookings}",
        lines=lines,
        source_type="conversion",
        source_id=conversion.id,
        description=conversion.network_transaction_id,
    )
    return Booking(entry, rewards.made)


def _announce(reward: Reward, conversion: Conversion, kind: EventType) -> None:
    reward.conversion = conversion
    event_emit(
        kind,
        subject=reward,
        organization_id=reward.organization_id,
        environment=reward.environment,
        client_id=conversion.client_id,
    )


class _Rewards:
    """The rewards of a conversion, locked; rows first, then the items that hold them, as payouts do."""

    def __init__(self, conversion: Conversion, hold_days: int, *, known: bool) -> None:
        self._conversion, self._hold_days = conversion, hold_days
        self._now = timezone.now()
        self._rewards: list[Reward] = []
        self.made: list[Reward] = []
        self._items: dict[UUID, PayoutItem] = {}
        if known:
            rows = Reward.objects.select_for_update(of=("self",)).filter(conversion=conversion)
            self._rewards = list(rows.order_by("id"))
            held = {reward.item_id for reward in self._rewards if reward.item_id}
            items = PayoutItem.objects.select_for_update(of=("self",)).filter(id__in=held).order_by("id")
            self._items = {item.id: item for item in items} if held else {}

    def change(self, kind: Reward.Kind, delta: int) -> list[Line]:
        """The lines by which a payee's part grows or shrinks."""
        if delta > 0:
            return self._grow(kind, delta)
        if delta < 0:
            return self._shrink(kind, -delta)
        return []

    def _grow(self, kind: Reward.Kind, amount: int) -> list[Line]:
        conversion = self._conversion
        free = next((one for one in self._rewards if one.kind == kind and self._is_free(one)), None)
        if free is not None:
            free.amount_minor += amount
            self._resize(free, amount)
            self._saved(free, REWARD_ADJUSTED)
            return [Line(self._payable(free), -amount)]
        # a client that is gone is still owed what was promised
        client_id = conversion.client_id or next((one.client_id for one in self._rewards), None)
        if client_id is None:
            raise ValueError("Nobody is there to be rewarded.")
        reward = REWARD_ROWS.instance(
            organization_id=conversion.organization_id,
            environment=conversion.environment,
            conversion_id=conversion.id,
            kind=kind,
            client_id=client_id,
            user_id=conversion.user_id if kind == Reward.Kind.USER else "",
            amount_minor=amount,
            currency=conversion.currency,
            available_at=self._available_at(),
        )
        reward.conversion = conversion
        self.made.append(reward)
        return [Line(self._payable(reward), -amount)]

    def _shrink(self, kind: Reward.Kind, amount: int) -> list[Line]:
        mine = [one for one in self._rewards if one.kind == kind]
        lines = []
        # the newest first, and what is paid already last
        for reward in sorted(mine, key=lambda one: (not self._is_free(one), -one.id.int)):
            is_free = self._is_free(reward)
            taken = min(amount, self._left(reward))
            if not taken:
                continue
            amount -= taken
            if is_free:
                self._take(reward, taken)
                lines.append(Line(self._payable(reward), taken))
            else:
                self._owe(reward, taken)
                debt = debt_of(reward.currency, reward.client_id, reward.user_id)
                lines.append(Line(debt, taken))
        if amount:
            raise ValueError("More is taken back than was given.")
        return lines

    def _take(self, reward: Reward, amount: int) -> None:
        self._resize(reward, -amount)
        if amount < reward.amount_minor:
            reward.amount_minor -= amount
            self._saved(reward, REWARD_ADJUSTED)
        else:
            reward.status, reward.reversed_at, reward.item = Status.REVERSED, self._now, None
            self._saved(reward, REWARD_REVERSED)

    def _resize(self, reward: Reward, amount: int) -> None:
        """A draft that nobody has approved yet follows its rewards."""
        item = self._items.get(reward.item_id) if reward.item_id else None
        if item is None:
            return
        item.gross_minor += amount
        item.net_minor += amount
        if not item.gross_minor:
            item.status = PayoutItem.Status.CANCELLED
        item.save(update_fields=["gross_minor", "net_minor", "status", "updated_at"])

    def _owe(self, reward: Reward, amount: int) -> None:
        reward.debt_minor += amount
        if reward.debt_minor == reward.amount_minor:
            reward.status, reward.reversed_at = Status.REVERSED, self._now
        self._saved(reward, REWARD_REVERSED)

    def _is_free(self, reward: Reward) -> bool:
        if reward.status not in (Status.QUEUED, Status.FAILED):
            return False
        item = self._items.get(reward.item_id) if reward.item_id else None
        return item is None or item.status == PayoutItem.Status.DRAFT

    def _left(self, reward: Reward) -> int:
        return 0 if reward.status == Status.REVERSED else reward.amount_minor - reward.debt_minor

    def _payable(self, reward: Reward) -> AccountKey:
        return payable_of(reward.kind, reward.currency, reward.client_id, reward.user_id)

    def _available_at(self) -> datetime:
        return self._now + timedelta(days=self._hold_days)

    def _saved(self, reward: Reward, kind: EventType) -> None:
        reward.save(
            update_fields=["amount_minor", "status", "reversed_at", "item", "debt_minor", "updated_at"]
        )
        if is_announced(reward, self._conversion):
            _announce(reward, self._conversion, kind)
