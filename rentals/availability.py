"""How much of the inventory is free, for a whole time and on each of its days.

Whole days of the organization's time zone are read from the daily ledger. Parts of days, days of other zones,
and items with something endless that begins or ends within the time are counted from what is taken then.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from psycopg import Cursor
from psycopg.types.range import TimestamptzRange

_DAY = timedelta(days=1)
_PEAKS = (
    "SELECT id::text, quantity - rentals_peak(id, tstzrange(%s, %s)) FROM rentals_item WHERE id = ANY(%s)"
)
_TENANT = "organization_id = %(organization)s AND environment = %(environment)s"
_ITEMS = "AND (%(items)s::uuid[] IS NULL OR item_id = ANY (%(items)s))"
# Changes of what is taken of an item: each a moment, in microseconds of the time asked for, and in its lowest
# bits by how much. So they sort as numbers; what ends comes before all that begins at its moment.
_BITS = 18
_HALF, _MASK = 1 << (_BITS - 1), (1 << _BITS) - 1
_CHANGES = f"""
SELECT item_id::text,
  array_agg(round(date_part('epoch', greatest(lower(during), %(starts)s) - %(starts)s) * 1e6)::bigint
    * {1 << _BITS} + quantity)
  || array_agg(round(date_part('epoch', least(upper(during), %(ends)s) - %(starts)s) * 1e6)::bigint
    * {1 << _BITS} - quantity)
FROM rentals_allocation
WHERE {_TENANT} {_ITEMS} AND during && tstzrange(%(starts)s, %(ends)s)
GROUP BY item_id
"""  # noqa: S608 (numbers and names of our own)
_MONTHS = f"""
SELECT item_id::text, month, taken FROM rentals_dailyledger
WHERE {_TENANT} {_ITEMS} AND month BETWEEN date_trunc('month', %(first)s::date)::date AND %(last)s
"""  # noqa: S608
_LONG = f"""
SELECT item_id::text, quantity, during @> tstzrange(%(starts)s, %(ends)s) FROM rentals_allocation
WHERE {_TENANT} {_ITEMS} AND rentals_is_long(during) AND during && tstzrange(%(starts)s, %(ends)s)
"""  # noqa: S608
# So many items are looked up one by one; of more, all are read.
_FEW = 100


class Stock(NamedTuple):
    """What availability needs to know of an item."""

    id: str
    name: str
    category: str
    quantity: int


def free_of(item_ids: Sequence[str], during: TimestamptzRange) -> dict[str, int]:
    """How many of each item are free for the whole of this time, by item id."""
    with connection.cursor() as cursor:
        cursor.execute(_PEAKS, [during.lower, during.upper, list(map(UUID, item_ids))])
        return dict(cursor.fetchall())


def days_of(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> list[date]:
    """The days of `zone` that `[starts_at, ends_at)` touches."""
    first = starts_at.astimezone(zone).date()
    last = (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return [first + number * _DAY for number in range((last - first).days + 1)]


def availability(
    stocks: Sequence[Stock],
    starts_at: datetime,
    ends_at: datetime,
    zone: ZoneInfo,
    *,
    organization_id: UUID,
    environment: str,
) -> Iterator[tuple[Stock, int, list[int]]]:
    """How many are free of each item for all of `[starts_at, ends_at)`, and on each of its days in `zone`.

    A handful of statements, whatever the number of items and days.
    """
    ids = [stock.id for stock in stocks]
    asked = {
        "organization": organization_id,
        "environment": environment,
        "items": ids if len(ids) <= _FEW else None,
    }
    taken = _Taken(asked, days_of(starts_at, ends_at, zone), starts_at, ends_at, zone)
    nothing = [0] * taken.length
    for stock in stocks:
        free = [stock.quantity - peak for peak in taken.peaks.get(stock.id, nothing)]
        least = min(free)
        if least < 0:
            least, free = 0, [max(0, one) for one in free]
        yield stock, least, free


class _Taken:
    """The most that is taken of each item on each day; `peaks` lacks items of which nothing is."""

    def __init__(
        self,
        asked: dict[str, Any],
        days: Sequence[date],
        starts_at: datetime,
        ends_at: datetime,
        zone: ZoneInfo,
    ) -> None:
        self._asked, self.length = asked, len(days)
        # where the days begin, and where the last one ends
        starts_at, ends_at = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
        edges = [starts_at, *(_midnight(day, zone) for day in days[1:]), ends_at]
        begin = int(starts_at != _midnight(days[0], zone))
        end = len(days) - int(ends_at != _midnight(days[-1] + _DAY, zone))
        connection.ensure_connection()
        with Cursor(connection.connection) as self._cursor:
            if begin >= end or not self._is_of_the_ledger(zone, days[begin:end]):
                self.peaks = self._swept(edges)
                return
            odd: set[str] = set()
            self.peaks = self._read(days[begin:end], edges[begin], edges[end], odd)
            if begin or end < len(days):
                self._put_around(self._swept(edges[:2]) if begin else {}, begin, 0)
                self._put_around(self._swept(edges[-2:]) if end < len(days) else {}, 0, len(days) - end)
            if odd:
                self.peaks |= self._swept(edges, odd)

    def _is_of_the_ledger(self, zone: ZoneInfo, days: Sequence[date]) -> bool:
        """Whether the ledger has this zone's days, and means the same moments by them."""
        midnights = [datetime(day.year, day.month, day.day, tzinfo=zone) for day in (*days, days[-1] + _DAY)]
        # one that exists twice, or not at all, may be another moment to PostgreSQL
        if any(one.utcoffset() != one.replace(fold=1).utcoffset() for one in midnights):
            return False
        self._cursor.execute("SELECT rentals_zone(%(organization)s)", self._asked)
        return self._cursor.fetchone() == (zone.key,)

    def _read(
        self, days: Sequence[date], starts_at: datetime, ends_at: datetime, odd: set[str]
    ) -> dict[str, list[int]]:
        """Whole days by the ledger; items that must be counted otherwise are noted in `odd`."""
        span = {"first": days[0], "last": days[-1], "starts": starts_at, "ends": ends_at}
        # arrays of numbers are read much faster in their binary form
        self._cursor.execute(_MONTHS, self._asked | span, binary=True)
        peaks: dict[str, list[int]] = {}
        for item_id, month, taken in self._cursor.fetchall():
            mine = peaks.get(item_id)
            if mine is None:
                mine = peaks[item_id] = [0] * len(days)
            at = (month - days[0]).days
            part = taken[max(0, -at) : len(days) - at]
            mine[max(0, at) : max(0, at) + len(part)] = part
        self._cursor.execute(_LONG, self._asked | span)
        for item_id, quantity, is_whole in self._cursor.fetchall():
            if is_whole:
                mine = peaks.get(item_id) or [0] * len(days)
                peaks[item_id] = [one + quantity for one in mine]
            else:
                odd.add(item_id)
        return peaks

    def _swept(self, edges: Sequence[datetime], items: Collection[str] | None = None) -> dict[str, list[int]]:
        """The most that is taken between each two of `edges`, from all that is."""
        span = {"starts": edges[0], "ends": edges[-1]}
        only = {"items": list(items)} if items is not None else {}
        self._cursor.execute(_CHANGES, self._asked | span | only, binary=True)
        marks = [(edge - edges[0]) // timedelta(microseconds=1) << _BITS for edge in edges[1:-1]]
        return {item_id: _peaks(changes, marks) for item_id, changes in self._cursor.fetchall()}

    def _put_around(self, other: dict[str, list[int]], before: int, after: int) -> None:
        """Lengthen every item's days by a part of a day before or after them."""
        nothing = [0] * (self.length - before - after)
        for item_id in self.peaks.keys() | other.keys():
            middle, part = self.peaks.get(item_id, nothing), other.get(item_id, [0])
            self.peaks[item_id] = part * before + middle + part * after


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # differences within a zone are of its clocks, those of UTC are of time
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _peaks(changes: list[int], marks: Sequence[int]) -> list[int]:
    """The most that is taken at any moment of each part; `marks` are where second and later parts begin."""
    changes.sort()
    # before the first change, and after each
    levels = [0, *accumulate([((change + _HALF) & _MASK) - _HALF for change in changes])]
    cuts = [0, *(bisect_left(changes, mark) for mark in marks), len(changes)]
    return [max(levels[begin : end + 1]) for begin, end in pairwise(cuts)]
