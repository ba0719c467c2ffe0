"""When a resource is open, and its slots: clock times of its time zone, laid on real days.

A day that the clocks are moved on has 23 or 25 hours. A clock time that does not exist means the moment that
many minutes later (02:30 is 03:30); of one that exists twice the first is meant. Lengths are real time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = "24:00"
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DAY = timedelta(days=1)

OpeningHours = Mapping[str, Sequence[Sequence[str]]]


class Span(NamedTuple):
    """From `starts_at` to before `ends_at`, in UTC."""

    starts_at: datetime
    ends_at: datetime


def opening_hours_read(value: Any) -> dict[str, list[list[str]]]:
    """`{"mon": [["09:00", "17:00"], …], …}` in order; days without hours are closed.

    Raises ValueError with a sentence that names the faulty day.
    """
    if not isinstance(value, dict):
        raise ValueError("Opening hours are an object of days.")
    if unknown := sorted(str(day) for day in value.keys() - set(WEEKDAYS)):
        raise ValueError(f"{unknown[0][:20]} is no day: use {', '.join(WEEKDAYS)}.")
    return {day: _day_read(day, value[day]) for day in WEEKDAYS if value.get(day)}


def _day_read(day: str, spans: Any) -> list[list[str]]:
    if not isinstance(spans, list) or not all(_is_span(span) for span in spans):
        raise ValueError(f'{day}: give a list of ["09:00", "17:00"]; the end may be {MIDNIGHT}.')
    ordered = sorted(list(span) for span in spans)
    for before, after in pairwise(ordered):
        if after[0] < before[1]:
            raise ValueError(f"{day}: {after[0]} is open already.")
    return ordered


def _is_span(span: Any) -> bool:
    if not isinstance(span, list) or len(span) != 2 or not all(isinstance(text, str) for text in span):
        return False
    begin, end = span
    return bool(_TIME.fullmatch(begin)) and (end == MIDNIGHT or bool(_TIME.fullmatch(end))) and begin < end


def open_spans(hours: OpeningHours, zone: ZoneInfo, day: date) -> list[Span]:
    """When it is open on this day of its own calendar."""
    spans = [Span(_moment(day, begin, zone), _moment(day, end, zone)) for begin, end in _hours_of(hours, day)]
    return [span for span in spans if span.starts_at < span.ends_at]


def slots(hours: OpeningHours, zone: ZoneInfo, day: date, *, minutes: int) -> Iterator[Span]:
    """The whole slots of a day, one behind the other from each opening."""
    length = timedelta(minutes=minutes)
    for span in open_spans(hours, zone, day):
        start = span.starts_at
        while start + length <= span.ends_at:
            yield Span(start, start + length)
            start += length


def is_open(hours: OpeningHours, zone: ZoneInfo, span: Span) -> bool:
    """Whether it is open the whole time, over midnights too."""
    begin = span.starts_at
    for day in days_of(zone, span):
        for opened in open_spans(hours, zone, day):
            if opened.starts_at <= begin < opened.ends_at:
                begin = opened.ends_at
        if begin >= span.ends_at:
            return True
    return False


def is_on_the_grid(hours: OpeningHours, zone: ZoneInfo, span: Span, *, minutes: int) -> bool:
    """Whether it begins where a slot begins, and lasts for whole slots."""
    length = timedelta(minutes=minutes)
    if (span.ends_at - span.starts_at) % length:
        return False
    day = span.starts_at.astimezone(zone).date()
    near = (opened for near in (day - _DAY, day) for opened in open_spans(hours, zone, near))
    return any(
        opened.starts_at <= span.starts_at < opened.ends_at
        and not (span.starts_at - opened.starts_at) % length
        for opened in near
    )


def days_of(zone: ZoneInfo, span: Span) -> Iterator[date]:
    """The days of the zone's calendar that a span touches."""
    day = span.starts_at.astimezone(zone).date()
    last = (span.ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        yield day
        day += _DAY


def day_span(zone: ZoneInfo, day: date) -> Span:
    """A day of the zone's calendar: 23, 24 or 25 hours."""
    return Span(_moment(day, "00:00", zone), _moment(day, MIDNIGHT, zone))


def clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of the zone show then, without the zone: templates show it as it is."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _hours_of(hours: OpeningHours, day: date) -> Sequence[Sequence[str]]:
    return hours.get(WEEKDAYS[day.weekday()], ())


def _moment(day: date, text: str, zone: ZoneInfo) -> datetime:
    if text == MIDNIGHT:
        day, text = day + _DAY, "00:00"
    return datetime.combine(day, time.fromisoformat(text), zone).astimezone(UTC)
