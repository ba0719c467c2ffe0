"""What a conversion becomes by what its network says, and how its history tells of it."""

from typing import Any, NamedTuple
from uuid import UUID

from rewards.models import Conversion, ConversionChange
from rewards.postbacks import Postback

Status = Conversion.Status
Action = ConversionChange.Action
NETWORK = "network"
# (what it is, what the network says) -> what it becomes. None: nothing but its amounts may change. What is
# missing is ignored, and stands in the history: late (pending after a decision), or after the end.
TRANSITIONS: dict[tuple[str, str], str | None] = {
    (Status.PENDING, Status.PENDING): None,
    (Status.PENDING, Status.APPROVED): Status.APPROVED,
    (Status.PENDING, Status.REJECTED): Status.REJECTED,
    (Status.APPROVED, Status.APPROVED): None,
    (Status.APPROVED, Status.REJECTED): Status.REVERSED,
}
# The same word again, after the end, is no news.
REPEATED = {(Status.REJECTED, Status.REJECTED), (Status.REVERSED, Status.REJECTED)}
ACTIONS = {
    Status.PENDING: Action.RECEIVED,
    Status.APPROVED: Action.APPROVED,
    Status.REJECTED: Action.REJECTED,
    Status.REVERSED: Action.REVERSED,
}


class Outcome(NamedTuple):
    """What came of a postback: `result` is recorded, updated, duplicate or ignored."""

    conversion_id: UUID
    result: str
    status: str


def amounts_of(conversion: Conversion) -> dict[str, Any]:
    """What the network said that it pays."""
    return {
        "saleMinor": conversion.sale_minor,
        "payoutMinor": conversion.payout_minor,
        "currency": conversion.payout_currency,
    }


def said(postback: Postback) -> dict[str, Any]:
    """A postback as the history keeps it; the secret is no part of it."""
    given = {
        "status": postback.status,
        "clickId": postback.click_reference,
        "saleAmount": postback.sale,
        "payout": postback.payout,
        "currency": postback.currency,
        "goal": postback.goal,
    }
    return {name: str(value) for name, value in given.items() if value not in ("", None)}
