"""Which accounts of the ledger are a payee's."""

from uuid import UUID

from ledger.models import AccountKey, Kind
from rewards.models import Reward

_PAYABLES = {Reward.Kind.USER: Kind.USER_PAYABLE, Reward.Kind.PARTNER: Kind.PARTNER_PAYABLE}


def payable_of(reward_kind: str, currency: str, client_id: UUID, user_id: str) -> AccountKey:
    """The account of what is owed to a payee."""
    return AccountKey(_PAYABLES[Reward.Kind(reward_kind)], currency, client_id, user_id)


def debt_of(currency: str, client_id: UUID, user_id: str) -> AccountKey:
    """The account of what a payee owes."""
    return AccountKey(Kind.PAYEE_DEBT, currency, client_id, user_id)
