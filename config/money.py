"""Amounts as people read them. Stored and sent they are integers of minor units (contract, placeholders)."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision
from django.utils.translation import get_language, to_locale


def format_minor(amount_minor: int, currency: str, *, language: str | None = None) -> str:
    """`1250` of ILS as `₪12.50`, with the currency's own number of digits, in the language's order."""
    digits = get_currency_precision(currency)
    amount = Decimal(amount_minor).scaleb(-digits)
    text = format_currency(amount, currency, locale=to_locale(language or get_language() or "en"))
    # a minus behind a mark of right-to-left would stand behind its number, too
    return text.replace("\u200f-", "\u200f\u200e-")


def minor_units(amount: Decimal, currency: str) -> int:
    """An amount as people write it, in minor units of its currency; what is smaller than one is cut off."""
    return int(amount.scaleb(get_currency_precision(currency)))
