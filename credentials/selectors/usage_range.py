"""A range of usage, counted by the hours or days of somebody's time zone, and the roll-ups that hold it.

Roll-ups count hours and days of UTC. Zones whose days do not begin at midnight UTC are summed up from hours,
and those that are off by a part of an hour (India, Nepal) from quarters where their hours and days begin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from config.api.exceptions import ValidationFailed
from config.api.pagination import moment

QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")
_LONGEST_BY_HOUR = timedelta(days=32)


class Part(NamedTuple):
    """Rows of one roll-up ("daily", "hourly", "quarter_hourly") from `starts_at` up to `ends_at`.

    Of these times just `only`, where that is given, and none of `without`.
    """

    period: str
    starts_at: datetime
    ends_at: datetime
    only: list[datetime] | None = None
    without: list[datetime] | None = None


@dataclass(frozen=True)
class UsageRange:
    """From `starts_at` up to `ends_at` (UTC, whole hours of `zone`), counted by its "hour" or "day"."""

    starts_at: datetime
    ends_at: datetime
    group_by: str
    zone: ZoneInfo = UTC_ZONE

    @classmethod
    def of(
        cls,
        *,
        date_from: datetime | None = None,
        date_to: datetime | None = None,
        group_by: str = "",
        zone: ZoneInfo = UTC_ZONE,
        now: datetime | None = None,
    ) -> Self:
        """The range that a caller asked for, widened to whole hours; by default the last 24.

        Without `group_by` up to two days count by the hour, and longer ones by the day. Ends at what is
        kept and at today. Raises ValidationFailed (400).
        """
        now = (now or timezone.now()).astimezone(UTC)
        oldest, newest = (
            _midnight(now, zone) - settings.USAGE_DAILY_RETENTION_DAYS * DAY,
            _next_day(now, zone),
        )
        if date_from and date_to and date_from > date_to:
            raise ValidationFailed(dateFrom=["Must not be after dateTo."])
        last = now if date_to is None else min(max(date_to, oldest), newest)
        end = _next_hour(last, zone) if date_to is None or last != _hour(last, zone) else last
        start = end - DAY if date_from is None else min(max(date_from, oldest), newest)
        start = _hour(start, zone)
        # a moment is the hour that it lies in
        end = max(end, _next_hour(start, zone))
        group_by = group_by or ("hour" if end - start <= 2 * DAY else "day")
        if group_by == "hour" and end - start > _LONGEST_BY_HOUR:
            raise ValidationFailed(groupBy=["A range of more than 32 days is counted by the day."])
        return cls(start, end, group_by, zone)._kept(now)

    @classmethod
    def asked(cls, query: Mapping[str, Any]) -> Self:
        """The range of a query's `dateFrom`, `dateTo`, `groupBy` and `timeZone` (a ZoneInfo).

        Dates, and times without an offset, are the zone's. Raises ValidationFailed (400).
        """
        zone = query.get("timeZone", UTC_ZONE)

        def given(field: str, *, end_of_day: bool = False) -> datetime | None:
            if field not in query:
                return None
            return moment(query[field], field=field, end_of_day=end_of_day, zone=zone)

        return cls.of(
            date_from=given("dateFrom"),
            date_to=given("dateTo", end_of_day=True),
            group_by=query.get("groupBy", ""),
            zone=zone,
        )

    @classmethod
    def days(cls, count: int, zone: ZoneInfo = UTC_ZONE) -> Self:
        """The zone's today and the days before it, `count` in all, by the day.

        Raises ValidationFailed (400) where what the zone's days are counted from is not kept for so long.
        """
        now = timezone.now().astimezone(UTC)
        today = now.astimezone(zone).date()
        first = today - (count - 1) * DAY
        return cls(_begins(first, zone), _begins(today + DAY, zone), "day", zone)._kept(now)

    @cached_property
    def slots(self) -> list[datetime]:
        """The beginning of each hour or day, in UTC; where clocks change, a day has 23 or 25 hours."""
        following = _next_hour if self.group_by == "hour" else _next_day
        at = self.starts_at if self.group_by == "hour" else _midnight(self.starts_at, self.zone)
        slots = []
        while at < self.ends_at:
            slots.append(at)
            at = following(at, self.zone)
        return slots

    def local(self, at: datetime) -> str:
        """A moment as the zone's clocks show it, ISO 8601 with the offset of that moment."""
        return at.astimezone(self.zone).isoformat()

    def parts(self) -> list[Part]:
        """The roll-ups to read, each moment in one of them: the coarsest that no slot's end divides."""
        if self._has_days_of_utc:
            return self._parts_by_days()
        divided = self._divided_hours
        if not divided:
            return [Part("hourly", self.starts_at, self.ends_at)]
        if self.group_by == "hour":
            return [Part("quarter_hourly", self.starts_at, self.ends_at)]
        quarters = [hour + index * QUARTER for hour in divided for index in range(4)]
        return [
            Part("hourly", self.starts_at, self.ends_at, without=divided),
            Part("quarter_hourly", self.starts_at, self.ends_at, only=quarters),
        ]

    def _parts_by_days(self) -> list[Part]:
        first, last = _midnight_end(self.starts_at), _midnight(self.ends_at, UTC_ZONE)
        if self.ends_at > timezone.now():
            last = _midnight_end(self.ends_at)  # what is left of today holds nothing yet
        if first >= last:
            return [Part("hourly", self.starts_at, self.ends_at)]
        parts = [
            Part("hourly", self.starts_at, first),
            Part("daily", first, last),
            Part("hourly", last, self.ends_at),
        ]
        return [part for part in parts if part.starts_at < part.ends_at]

    @property
    def _has_days_of_utc(self) -> bool:
        return self.group_by == "day" and all(slot == _midnight(slot, UTC_ZONE) for slot in self.slots)

    @property
    def _divided_hours(self) -> list[datetime]:
        """The hours of UTC that a slot, or the range, begins or ends within."""
        ends = {*self.slots[1:], self.starts_at, self.ends_at}
        return sorted({_hour(at, UTC_ZONE) for at in ends if at != _hour(at, UTC_ZONE)})

    def _kept(self, now: datetime) -> Self:
        """The range, by whole days where hours are kept no more. Raises ValidationFailed (400)."""
        today = _midnight(now, UTC_ZONE)
        hours, quarters = settings.USAGE_HOURLY_RETENTION_DAYS, settings.USAGE_QUARTER_HOURLY_RETENTION_DAYS
        hours_kept_from = today - hours * DAY
        if self.group_by == "hour" and self.starts_at < hours_kept_from:
            raise ValidationFailed(groupBy=[f"Hours are kept for {hours} days; count by the day."])
        if self._has_days_of_utc:
            start, end = self.starts_at, self.ends_at
            if start < hours_kept_from:
                start = _midnight(start, UTC_ZONE)
            if end < hours_kept_from:
                end = _midnight_end(end)
            return type(self)(start, end, self.group_by, self.zone)
        if self.starts_at < hours_kept_from:
            raise ValidationFailed(timeZone=[f"Further back than {hours} days only days of UTC are kept."])
        if self.starts_at < today - quarters * DAY and self._divided_hours:
            raise ValidationFailed(
                timeZone=[f"Further back than {quarters} days only zones of whole hours can be counted."]
            )
        return self


def _midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the zone's day that `at` lies in, as UTC."""
    return _begins(at.astimezone(zone).date(), zone)


def _next_day(at: datetime, zone: ZoneInfo) -> datetime:
    return _begins(at.astimezone(zone).date() + DAY, zone)


def _begins(day: date, zone: ZoneInfo) -> datetime:
    # of a midnight that comes twice the first; of one that clocks leap over, the moment they do
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _midnight_end(at: datetime) -> datetime:
    midnight = _midnight(at, UTC_ZONE)
    return at if at == midnight else midnight + DAY


def _hour(at: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the zone's hour that `at` (UTC) lies in; clocks may have changed within it."""
    local = at.astimezone(zone)
    hour = at - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    while (later := _next_hour(hour, zone)) <= at:
        hour = later
    return hour


def _next_hour(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return at + HOUR - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
