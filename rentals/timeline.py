"""Weeks of an inventory laid out for a page: items as rows, days as columns, orders and blocks as bars.

Widths are per cent, heights pixels: the page draws them as SVG, which needs no inline style.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rentals.models import Item

DAYS = 28
LABEL = 16.0
_LANE_PX, _PAD_PX = 24, 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One order's line, or one block: what it is, and its rectangle."""

    entry: dict[str, Any]
    x: float
    width: float
    y: int


@dataclass(frozen=True, slots=True)
class Row:
    """An item's row: where it begins, how high it is, and its bars."""

    item: Item
    y: int
    height: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Timeline:
    """`days` with the left edge of each in per cent."""

    days: list[tuple[date, float]]
    rows: list[Row]
    height: int


def timeline_of(
    first: date, items: Sequence[Item], entries: Sequence[dict[str, Any]], zone: ZoneInfo
) -> Timeline:
    """Lay out four weeks from `first` on; what is picked up and overdue reaches until now."""
    begin = datetime(first.year, first.month, first.day, tzinfo=zone)
    end = begin + timedelta(days=DAYS)
    span = (end - begin).total_seconds()
    rows, y = [], 0
    for item in items:
        free_at: list[datetime] = []
        bars = []
        for entry in entries:
            if entry["item_id"] != item.id:
                continue
            starts, ends = max(entry["starts_at"], begin), min(entry["ends_at"] or end, end)
            if ends <= starts:
                continue
            lane = next((number for number, until in enumerate(free_at) if until <= starts), len(free_at))
            free_at[lane : lane + 1] = [ends]
            share = (100 - LABEL) / span
            bars.append(
                Bar(
                    entry,
                    round(LABEL + (starts - begin).total_seconds() * share, 3),
                    round((ends - starts).total_seconds() * share, 3),
                    y + _PAD_PX // 2 + lane * _LANE_PX,
                )
            )
        height = max(1, len(free_at)) * _LANE_PX + _PAD_PX
        rows.append(Row(item, y, height, bars))
        y += height
    width = (100 - LABEL) / DAYS
    days = [(first + timedelta(days=number), round(LABEL + number * width, 3)) for number in range(DAYS)]
    return Timeline(days, rows, y)
