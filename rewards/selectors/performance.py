"""What came of campaigns: clicks from their roll-ups, conversions from their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db import connection
from django.utils import timezone

from config.api.exceptions import ValidationFailed
from config.api.pagination import moment

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_HUNDREDTH = Decimal("0.01")
_LISTED = 50
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole hours or days of UTC, `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime
    by: str = "day"

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Self:
        """The days that a query's `dateFrom` and `dateTo` lie in, both included; without them all days.

        Raises ValidationFailed (400).
        """
        latest = _midnight(timezone.now())
        starts_at = (
            _midnight(moment(query["dateFrom"], field="dateFrom")) if "dateFrom" in query else _EARLIEST
        )
        to = _midnight(moment(query["dateTo"], field="dateTo")) if "dateTo" in query else latest
        if {"dateFrom", "dateTo"} <= query.keys() and to < starts_at:
            raise ValidationFailed(dateFrom=["Must not be after dateTo."])
        return cls(max(starts_at, _EARLIEST), max(_EARLIEST, min(to, latest)) + DAY)

    @classmethod
    def days(cls, count: int) -> Self:
        """Today and the days before it, `count` in all."""
        today = _midnight(timezone.now())
        return cls(today - (count - 1) * DAY, today + DAY)

    @classmethod
    def hours(cls, count: int) -> Self:
        """This hour and those before it, `count` in all."""
        hour = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return cls(hour - (count - 1) * HOUR, hour + HOUR, "hour")

    @property
    def table(self) -> str:
        """The roll-up that has its hours or days."""
        return "rewards_clicks_hourly" if self.by == "hour" else "rewards_clicks_daily"

    def slots(self) -> list[datetime]:
        """The beginning of each hour or day."""
        step = HOUR if self.by == "hour" else DAY
        return [self.starts_at + n * step for n in range(-((self.starts_at - self.ends_at) // step))]


class Whose(NamedTuple):
    """Whose campaigns: everybody's that the context shows, unless narrowed."""

    organization_id: UUID | None = None
    client_id: UUID | None = None
    campaign_id: UUID | None = None

    def condition(self) -> tuple[str, list[Any]]:
        """SQL behind WHERE ..., and its values; the columns are named alike in clicks and conversions."""
        given = {name: value for name, value in self._asdict().items() if value is not None}
        return "".join(f" AND {name} = %s" for name in given), list(given.values())


def performance_of(campaign_ids: Sequence[UUID], period: Period | None = None) -> dict[UUID, dict[str, Any]]:
    """Figures of each campaign: clicks, conversions, conversion_rate, and earnings by currency.

    The whole time without a period. A campaign without a click has 0 of them, and no rate.
    """
    period = period or Period.asked({})
    found: dict[UUID, _Sum] = {campaign_id: _Sum() for campaign_id in campaign_ids}
    for campaign_id, clicks, bots in _clicks(
        "campaign_id", period, " AND campaign_id = ANY(%s)", [list(found)]
    ):
        found[campaign_id].count(clicks, bots)
    for campaign_id, *converted in _conversions(
        "campaign_id", period, " AND campaign_id = ANY(%s)", [list(found)]
    ):
        found[campaign_id].add(*converted)
    return {campaign_id: one.figures() for campaign_id, one in found.items()}


def performance_report(period: Period, whose: Whose) -> dict[str, Any]:
    """`totals`, `by_time` (each slot of the period, oldest first), `by_campaign` (the 50 with most clicks).

    All with the figures of performance_of, and `bots`; slots have `starts_at`, campaigns `campaign_id`.
    """
    narrow, values = whose.condition()
    total, campaigns = _Sum(), dict[UUID, _Sum]()
    slots: dict[datetime, _Sum] = {slot: _Sum() for slot in period.slots()}
    for campaign_id, clicks, bots in _clicks("campaign_id", period, narrow, values):
        total.count(clicks, bots)
        campaigns.setdefault(campaign_id, _Sum()).count(clicks, bots)
    for starts_at, clicks, bots in _clicks("starts_at", period, narrow, values):
        slots[starts_at].count(clicks, bots)
    for campaign_id, *converted in _conversions("campaign_id", period, narrow, values):
        total.add(*converted)
        campaigns.setdefault(campaign_id, _Sum()).add(*converted)
    slot = f"date_trunc('{period.by}', created_at, 'UTC')"
    for starts_at, *converted in _conversions(slot, period, narrow, values):
        slots[starts_at].add(*converted)
    most = sorted(campaigns.items(), key=lambda item: (-item[1].clicks, str(item[0])))
    return {
        "totals": total.figures(),
        "by_time": [{"starts_at": at, **one.figures()} for at, one in slots.items()],
        "by_campaign": [{"campaign_id": key, **one.figures()} for key, one in most[:_LISTED]],
    }


class _Sum:
    """Figures as they are added up."""

    def __init__(self) -> None:
        self.clicks = self.bots = self.conversions = 0
        self.earnings: dict[str, list[int]] = {}

    def count(self, clicks: int, bots: int) -> None:
        self.clicks += int(clicks)
        self.bots += int(bots)

    def add(self, currency: str, conversions: int, *minor: int) -> None:
        """Conversions of one currency; `minor`: approved, pending, the partner's part, the user's part."""
        self.conversions += conversions
        before = self.earnings.get(currency, [0] * len(minor))
        self.earnings[currency] = [a + int(b) for a, b in zip(before, minor, strict=True)]

    def figures(self) -> dict[str, Any]:
        return {
            "clicks": self.clicks,
            "bots": self.bots,
            "conversions": self.conversions,
            "conversion_rate": _ratio(self.conversions * 100, self.clicks),
            "earnings": [
                {
                    "currency": currency,
                    "revenue_minor": revenue,
                    "pending_minor": pending,
                    "partner_minor": partner,
                    "user_minor": user,
                    "epc": _ratio(revenue, self.clicks),
                }
                for currency, (revenue, pending, partner, user) in sorted(self.earnings.items())
            ],
        }


def _ratio(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / whole).quantize(_HUNDREDTH) if whole else None


def _clicks(group: str, period: Period, narrow: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {group}, sum(clicks), sum(bots) FROM {period.table}"  # noqa: S608 (ours)
            f" WHERE starts_at >= %s AND starts_at < %s{narrow} GROUP BY 1",
            [period.starts_at, period.ends_at, *values],
        )
        return cursor.fetchall()


def _conversions(group: str, period: Period, narrow: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {group}, currency, count(*) FILTER (WHERE status IN ('pending', 'approved')),"  # noqa: S608
            " sum(platform_minor + partner_minor + user_minor),"
            " coalesce(sum(commission_minor) FILTER (WHERE status = 'pending'), 0),"
            " sum(partner_minor), sum(user_minor) FROM rewards_conversion"
            f" WHERE created_at >= %s AND created_at < %s AND campaign_id IS NOT NULL{narrow} GROUP BY 1, 2",
            [period.starts_at, period.ends_at, *values],
        )
        return cursor.fetchall()


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(UTC), time.min, tzinfo=UTC)
