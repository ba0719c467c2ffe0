"""What a cancelled policy gives back (docs/pipeline.md, Cancelling)."""

from datetime import date
from decimal import Decimal

from invoices.amounts import part_of


def refund_of(*, premium_minor: int, starts_on: date, ends_on: date, cancelled_from: date) -> int:
    """The part of the premium for the days from `cancelled_from` through `ends_on`, in minor units.

    The premium is for the whole term, each of whose days, the first and the last among them, costs the same.
    What was used is rounded, halves up, and the rest is given back: the two always add up to the premium.
    """
    whole = (ends_on - starts_on).days + 1
    used = min(max((cancelled_from - starts_on).days, 0), whole)
    return premium_minor - part_of(premium_minor, Decimal(used), Decimal(whole))
