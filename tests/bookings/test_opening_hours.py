"""Clock times on real days, in a zone whose clocks are moved: New York, 8 March and 1 November 2026."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings.opening_hours import (
    Span,
    day_span,
    is_on_the_grid,
    is_open,
    open_spans,
    opening_hours_read,
    slots,
)

NEW_YORK = ZoneInfo("America/New_York")
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def hours(begin, end):
    return {day: [[begin, end]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@pytest.mark.parametrize(("day", "length"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 7, 1), 24)])
def test_a_day_has_as_many_hours_as_its_clocks_give_it(day, length):
    here = day_span(NEW_YORK, day)
    assert here.ends_at - here.starts_at == timedelta(hours=length)
    assert len(list(slots(hours("00:00", "24:00"), NEW_YORK, day, minutes=60))) == length


def test_a_clock_time_that_does_not_exist_is_the_moment_that_follows():
    assert open_spans(hours("02:30", "06:00"), NEW_YORK, SPRING) == [
        Span(utc(2026, 3, 8, 7, 30), utc(2026, 3, 8, 10))
    ]
    assert datetime(2026, 3, 8, 7, 30, tzinfo=UTC).astimezone(NEW_YORK).strftime("%H:%M") == "03:30"


def test_hours_that_fall_into_the_gap_are_none():
    assert open_spans(hours("02:00", "02:30"), NEW_YORK, SPRING) in (
        [],
        [Span(utc(2026, 3, 8, 7), utc(2026, 3, 8, 7, 30))],
    )
    assert open_spans(hours("02:30", "03:00"), NEW_YORK, SPRING) == []


def test_a_clock_time_that_exists_twice_is_the_first():
    (span,) = open_spans(hours("01:30", "02:00"), NEW_YORK, AUTUMN)
    assert span == Span(utc(2026, 11, 1, 5, 30), utc(2026, 11, 1, 7))


def test_nothing_is_longer_than_the_opening():
    found = list(slots(hours("09:00", "11:30"), NEW_YORK, date(2026, 7, 1), minutes=60))
    assert [span.starts_at.astimezone(NEW_YORK).hour for span in found] == [9, 10]


def test_open_over_midnight_where_both_days_are():
    around = hours("00:00", "24:00")
    assert is_open(around, NEW_YORK, Span(utc(2026, 7, 2, 3), utc(2026, 7, 2, 6)))
    assert not is_open(hours("00:00", "23:00"), NEW_YORK, Span(utc(2026, 7, 2, 3), utc(2026, 7, 2, 6)))


def test_a_pause_at_noon_is_closed():
    split = {"wed": [["09:00", "12:00"], ["13:00", "17:00"]]}
    assert is_open(split, NEW_YORK, Span(utc(2026, 7, 1, 13), utc(2026, 7, 1, 16)))
    assert not is_open(split, NEW_YORK, Span(utc(2026, 7, 1, 15), utc(2026, 7, 1, 18)))


def test_the_grid_begins_at_each_opening():
    opened = hours("09:15", "17:00")

    def fits(hour, minute, length):
        start = utc(2026, 7, 1, hour, minute)
        return is_on_the_grid(opened, NEW_YORK, Span(start, start + timedelta(minutes=length)), minutes=30)

    assert fits(13, 15, 30)
    assert fits(13, 45, 90)
    assert not fits(13, 30, 30)
    assert not fits(13, 15, 45)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"monday": [["09:00", "17:00"]]},
        {"mon": [["9:00", "17:00"]]},
        {"mon": [["17:00", "09:00"]]},
        {"mon": [["09:00", "24:30"]]},
        {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]},
        {"mon": "09:00-17:00"},
        {"mon": [[9, 17]]},
    ],
)
def test_what_is_no_opening_is_refused(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        opening_hours_read(wrong)
