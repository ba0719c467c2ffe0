"""What a network's postback says: macro parameters as affiliate networks send them, read strictly."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import cache
from typing import NamedTuple

from babel.numbers import get_currency_precision, list_currencies

from config.api.exceptions import ValidationFailed
from rewards.models import Conversion

Status = Conversion.Status
# Our name -> what networks call it; the first that is given counts. Trackier's macros are {click_id},
# {txn_id}, {sale_amount}, {payout}, {currency}, {status} and {goal_value}, whatever the parameter is called.
NAMES: Mapping[str, tuple[str, ...]] = {
    "click_id": ("click_id", "clickid", "p1", "tid", "aff_click_id", "sub1"),
    "transaction_id": ("txn_id", "transaction_id", "txid", "order_id", "conversion_id"),
    "sale_amount": ("sale_amount", "amount", "sale"),
    "payout": ("payout", "commission", "revenue"),
    "currency": ("currency", "currency_code"),
    "status": ("status", "conversion_status"),
    "goal": ("goal", "goal_id", "goal_value", "event"),
    "secret": ("secret", "token", "security_token"),
}
STATUSES: Mapping[str, Status] = {
    "": Status.APPROVED,
    "approved": Status.APPROVED,
    "confirmed": Status.APPROVED,
    "paid": Status.APPROVED,
    "1": Status.APPROVED,
    "pending": Status.PENDING,
    "hold": Status.PENDING,
    "open": Status.PENDING,
    "0": Status.PENDING,
    "rejected": Status.REJECTED,
    "declined": Status.REJECTED,
    "cancelled": Status.REJECTED,
    "canceled": Status.REJECTED,
    "reversed": Status.REJECTED,
    "chargeback": Status.REJECTED,
    "-1": Status.REJECTED,
}
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,10})?")


class Postback(NamedTuple):
    """A postback; amounts are None where it names none, `currency` is "" where it names none."""

    transaction_id: str
    click_reference: str = ""
    status: str = Status.APPROVED
    sale: Decimal | None = None
    payout: Decimal | None = None
    currency: str = ""
    goal: str = ""


def secret_given(parameters: Mapping[str, str], header: str = "") -> str:
    """The secret that a postback presents: its header's, or the first parameter's that has one."""
    return header or _given(parameters, "secret")


def postback_read(parameters: Mapping[str, str]) -> Postback:
    """A postback from its parameters. Raises ValidationFailed (400), naming ours."""
    wrong: dict[str, list[str]] = {}
    given = {name: _given(parameters, name) for name in NAMES}
    for name, size in (("transaction_id", 120), ("click_id", 120), ("goal", 60)):
        if len(given[name]) > size or not given[name].isprintable():
            wrong[name] = [f"Send at most {size} printable characters."]
    if not given["transaction_id"]:
        wrong["transaction_id"] = ["This field is required."]
    status = STATUSES.get(given["status"].lower())
    if status is None:
        wrong["status"] = [f"Choose one of: {', '.join(filter(None, STATUSES))}."]
    currency = given["currency"].upper()
    if currency and currency not in currencies():
        wrong["currency"] = ["This is no ISO 4217 currency."]
    amounts: dict[str, Decimal | None] = {}
    for name in ("sale_amount", "payout"):
        try:
            amounts[name] = _amount(given[name])
        except (ValueError, InvalidOperation):
            wrong[name] = ["Send a number like 12.50, not negative."]
    if wrong or status is None:
        raise ValidationFailed.of(wrong)
    return Postback(
        given["transaction_id"],
        given["click_id"],
        status,
        amounts["sale_amount"],
        amounts["payout"],
        currency,
        given["goal"],
    )


def minor_units(amount: Decimal, currency: str) -> int:
    """An amount as the currency's minor units; what is smaller is rounded half to even."""
    scaled = amount.scaleb(precision(currency))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@cache
def precision(currency: str) -> int:
    """How many digits a currency's minor unit stands behind."""
    return get_currency_precision(currency)


@cache
def currencies() -> frozenset[str]:
    """Every ISO 4217 currency there is or was."""
    return frozenset(list_currencies())


def _given(parameters: Mapping[str, str], name: str) -> str:
    for alias in NAMES[name]:
        value = parameters.get(alias)
        # a macro that the network left as it stands is no value
        if value and not (value.startswith("{") and value.endswith("}")):
            return value.strip()
    return ""


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)
