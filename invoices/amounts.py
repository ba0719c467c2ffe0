"""How amounts are rounded: halves up, to whole minor units, line by line."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True, slots=True)
class LineTerms:
    """What a line says: so many at so much, less a discount, at a tax rate in per cent."""

    description: str
    quantity: Decimal | int
    unit_price_minor: int
    tax_rate: Decimal | int = 0
    discount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a line comes to, in minor units; `subtotal` is after the discount."""

    subtotal: int
    tax: int


def amounts_of(terms: LineTerms) -> Amounts:
    """A line's amounts; a discount takes away no more than there is."""
    subtotal = max(0, rounded(Decimal(terms.quantity) * terms.unit_price_minor) - terms.discount_minor)
    return Amounts(subtotal, tax_of(subtotal, Decimal(terms.tax_rate)))


def part_of(amount_minor: int, part: Decimal, whole: Decimal) -> int:
    """A part of an amount. Of parts that make a whole, differences of these add up to the amount."""
    return rounded(amount_minor * part / whole)


def tax_of(subtotal_minor: int, rate: Decimal) -> int:
    """The tax on an amount at a rate in per cent."""
    return rounded(subtotal_minor * rate / 100)


def taxes_of(lines: Iterable[tuple[Decimal, int, int]]) -> list[dict[str, object]]:
    """Base and tax by rate, the lowest first; of (rate, subtotal, tax) of lines."""
    sums: dict[Decimal, tuple[int, int]] = {}
    for rate, subtotal, tax in lines:
        base, taxed = sums.get(Decimal(rate), (0, 0))
        sums[Decimal(rate)] = (base + subtotal, taxed + tax)
    return [
        {"rate": f"{rate:.2f}", "baseMinor": base, "taxMinor": tax}
        for rate, (base, tax) in sorted(sums.items())
    ]


def rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
