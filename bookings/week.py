"""A week of bookings laid out for a page: days as columns, time downwards, overlapping ones side by side.

Widths are per cent, heights pixels: the page draws them as SVG, which needs no inline style.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.models import Booking
from bookings.opening_hours import Span, clock, day_span

HOUR_PX = 44
_GUTTER = 5.0
_DAYS = 7
_DAY_WIDTH = (100 - _GUTTER) / _DAYS
_FIRST_HOUR, _LAST_HOUR = 8, 19
_LEAST_PX = 22


@dataclass(frozen=True, slots=True)
class Box:
    """A booking's rectangle: `x` and `width` in per cent, `y` and `height` in pixels."""

    booking: Booking
    starts: datetime
    ends: datetime
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Week:
    """`days` with the left edge of each in per cent; `hours` with the height of each line in pixels."""

    days: list[tuple[date, float]]
    hours: list[tuple[str, int]]
    boxes: list[Box]
    height: int


def week_of(first: date, bookings: Sequence[Booking], zone: ZoneInfo) -> Week:
    """Lay out the seven days from `first` on, as the clocks of `zone` show them."""
    days = [first + timedelta(days=number) for number in range(_DAYS)]
    parts = [(number, *part) for number, day in enumerate(days) for part in _parts(day, bookings, zone)]
    starts = [_clock(start) for _, _, start, end in parts]
    ends = [_clock(end) or 24.0 for _, _, start, end in parts]
    begin = int(min([_FIRST_HOUR, *starts]))
    finish = int(-(-max([_LAST_HOUR, *ends]) // 1))
    boxes: list[Box] = []
    for number in range(_DAYS):
        of_day = [part[1:] for part in parts if part[0] == number]
        for (booking, start, end), lane, lanes in _side_by_side(of_day):
            top = (_clock(start) - begin) * HOUR_PX
            bottom = ((_clock(end) or 24.0) - begin) * HOUR_PX
            width = _DAY_WIDTH / lanes
            x = _GUTTER + number * _DAY_WIDTH + lane * width
            boxes.append(
                Box(booking, start, end, round(x, 3), top, round(width, 3), max(_LEAST_PX, bottom - top))
            )
    return Week(
        days=[(day, round(_GUTTER + number * _DAY_WIDTH, 3)) for number, day in enumerate(days)],
        hours=[(f"{hour:02}:00", (hour - begin) * HOUR_PX) for hour in range(begin, finish)],
        boxes=boxes,
        height=(finish - begin) * HOUR_PX,
    )


def _parts(
    day: date, bookings: Sequence[Booking], zone: ZoneInfo
) -> list[tuple[Booking, datetime, datetime]]:
    """What of each booking lies on this day."""
    found = []
    here = day_span(zone, day)
    for booking in bookings:
        span = Span(max(booking.starts_at, here.starts_at), min(booking.ends_at, here.ends_at))
        if span.starts_at < span.ends_at:
            found.append((booking, clock(span.starts_at, zone), clock(span.ends_at, zone)))
    return sorted(found, key=lambda part: (part[1], part[2]))


def _side_by_side(
    parts: Sequence[tuple[Booking, datetime, datetime]],
) -> list[tuple[tuple[Booking, datetime, datetime], int, int]]:
    """Each with its lane and the number of lanes of those that overlap, one through another, with it."""
    placed: list[tuple[tuple[Booking, datetime, datetime], int, int]] = []
    group: list[tuple[tuple[Booking, datetime, datetime], int]] = []
    free_at: list[datetime] = []

    def close() -> None:
        placed.extend((part, lane, len(free_at)) for part, lane in group)
        group.clear()
        free_at.clear()

    for part in parts:
        _, start, end = part
        if group and start >= max(free_at):
            close()
        lane = next((number for number, until in enumerate(free_at) if until <= start), len(free_at))
        if lane == len(free_at):
            free_at.append(end)
        else:
            free_at[lane] = end
        group.append((part, lane))
    close()
    return placed


def _clock(moment: datetime) -> float:
    return moment.hour + moment.minute / 60
