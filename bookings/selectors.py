"""Reads of bookings: what is free, and calendars."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from bookings.models import Booking, Resource
from bookings.opening_hours import Span, day_span, open_spans, slots

_DAY = timedelta(days=1)


class Slot(NamedTuple):
    """A stretch of time, and how many bookings it still takes."""

    starts_at: datetime
    ends_at: datetime
    free: int


def slots_free(resource: Resource, *, first: date, last: date) -> list[Slot]:
    """The resource's slots that are not over, of these days of its own calendar.

    Where it has no slots: the stretches that it is open, parted where the number of free places changes. What
    a booking would block after its end counts, too: what is free here can be booked.
    """
    zone, now = ZoneInfo(resource.time_zone), timezone.now()
    rest = timedelta(minutes=resource.buffer_minutes)
    begin, end = day_span(zone, first).starts_at, day_span(zone, last).ends_at
    blocking = Booking.objects.filter(resource=resource).blocking(begin, end + rest).holding(now=now)
    taken = sorted((found.lower, found.upper) for found in blocking.values_list("blocks", flat=True))
    return [slot for slot in _slots(resource, zone, first, last, taken, rest) if slot.starts_at >= now]


def _slots(
    resource: Resource,
    zone: ZoneInfo,
    first: date,
    last: date,
    taken: Sequence[tuple[datetime, datetime]],
    rest: timedelta,
) -> Iterator[Slot]:
    for day in _days(first, last):
        if resource.slot_minutes:
            spans = list(slots(resource.opening_hours, zone, day, minutes=resource.slot_minutes))
        else:
            spans = [
                part
                for span in open_spans(resource.opening_hours, zone, day)
                for part in _parted(span, taken, rest)
            ]
        for span in spans:
            yield Slot(*span, max(0, resource.capacity - _most_at_once(span, taken, rest)))


def _most_at_once(span: Span, taken: Sequence[tuple[datetime, datetime]], rest: timedelta) -> int:
    """How many are taken at the fullest moment of a span and the rest after it."""
    until = span.ends_at + rest
    here = [(start, end) for start, end in taken if start < until and end > span.starts_at]
    return max((sum(a <= start < b for a, b in here) for start, _ in here), default=0) if here else 0


def _parted(span: Span, taken: Sequence[tuple[datetime, datetime]], rest: timedelta) -> Iterator[Span]:
    edges = {span.starts_at, span.ends_at}
    edges |= {start - rest for start, _ in taken if span.starts_at < start - rest < span.ends_at}
    edges |= {end for _, end in taken if span.starts_at < end < span.ends_at}
    return (Span(*pair) for pair in pairwise(sorted(edges)))


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY


def bookings_between(
    starts_at: datetime, ends_at: datetime, *, resource_ids: Sequence[UUID]
) -> list[Booking]:
    """Bookings of these resources that hold their time then, the earliest first."""
    rows = Booking.objects.select_related("resource").filter(resource_id__in=resource_ids)
    return list(rows.between(starts_at, ends_at).holding(now=timezone.now()).order_by("starts_at", "id"))
