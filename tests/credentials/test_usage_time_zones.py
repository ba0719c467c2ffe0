"""Usage by the hours and days of the caller's time zone: whole and half hours, and when clocks change."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from config import tenancy
from config.api.exceptions import ValidationFailed
from credentials.selectors.usage_range import UsageRange
from partners.models import Organization
from tests.api_clients import CLIENTS, KeyCaller
from tests.credentials.test_usage_rollups import line, ship
from tests.factories import make_key
from tests.pages.test_content_policy import check
from tests.people import Caller, browser, make_member

# Around it clocks change in all of these: New York and Havana (at midnight) on 8 March, Berlin and Beirut (at
# midnight) on 29 March, Lord Howe (by half an hour) and Chatham on 5 April.
NOW = datetime(2026, 4, 7, 12, 30, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 7), date(2026, 4, 6)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
)


@pytest.fixture
def used(organization, tmp_path, time_machine):
    """Requests of a client's two keys at random moments of 33 days, and another client's."""
    time_machine.move_to(NOW, tick=False)
    chance = random.Random(11)
    first, second, other = (make_key(organization, name=name).key for name in ("Acme", "Acme", "Globex"))
    moments = [NOW - timedelta(minutes=chance.randrange(33 * 1440)) for _ in range(400)]
    # and where the changes are
    moments += [datetime(2026, 3, 8, 4, 50, tzinfo=UTC) + timedelta(minutes=m) for m in range(0, 180, 7)]
    moments += [datetime(2026, 4, 4, 13, 40, tzinfo=UTC) + timedelta(minutes=m) for m in range(0, 180, 7)]
    lines = []
    for at in moments:
        status = chance.choice((200, 201, 404, 503))
        lines.append(
            line(
                chance.choice((first, second)),
                created_at=at,
                endpoint=chance.choice(("/a", "/b")),
                response_status=status,
                error_code="X" if status >= 400 else "",
                response_time_ms=chance.uniform(1, 90),
            )
        )
    ship(tmp_path, [*lines, *(line(other, created_at=at) for at in moments[:20])])
    return first.client_id, moments


@pytest.fixture
def usage(organization, used):
    caller = Caller(make_member("member", organization))

    def ask(**query):
        return caller("get", f"{CLIENTS}/{used[0]}/usage", **query)

    return ask


def whole(report, requests):
    """Every table of a report is about the same requests."""
    assert report["totalRequests"] == requests
    for table in ("requestsByTime", "requestsByEndpoint", "requestsByCredential", "requestsByStatus"):
        assert sum(row["count"] for row in report[table]) == requests, table
    failed = report["failedRequests"]
    assert sum(row["count"] for row in report["topErrorCodes"]) == failed
    assert sum(row["failedRequests"] for row in report["requestsByTime"]) == failed
    for row in (*report["requestsByEndpoint"], *report["requestsByCredential"]):
        assert 0 < row["p50ResponseTime"] <= row["p95ResponseTime"] <= row["p99ResponseTime"] <= 90


def test_days_are_the_callers(usage, used):
    for name in ZONES:
        zone = ZoneInfo(name)
        dates = Counter(at.astimezone(zone).date() for at in used[1])
        days = [FIRST + timedelta(days=number) for number in range(31)]
        report = usage(dateFrom=str(FIRST), dateTo=str(LAST), groupBy="day", timeZone=name).json()
        counted = [(row["localTime"][:10], row["count"]) for row in report["requestsByTime"]]
        assert counted == [(str(day), dates[day]) for day in days], name
        assert report["timeZone"] == name
        whole(report, sum(dates[day] for day in days))


@pytest.mark.parametrize("day", ["2026-03-08", "2026-03-29", "2026-04-05"])
def test_hours_are_the_callers(usage, used, day):
    for name in ZONES:
        zone = ZoneInfo(name)
        report = usage(dateFrom=day, dateTo=day, timeZone=name).json()
        begins = [datetime.fromisoformat(row["time"]) for row in report["requestsByTime"]]
        for row, at in zip(report["requestsByTime"], begins, strict=True):
            local = datetime.fromisoformat(row["localTime"])
            assert (local, local.utcoffset()) == (at, at.astimezone(zone).utcoffset())
            assert local.minute == 0 or name == "Australia/Lord_Howe"
        mine = [at for at in used[1] if at.astimezone(zone).date() == date.fromisoformat(day)]
        ends = [*begins, datetime.fromisoformat(report["dateTo"])]
        counted = [row["count"] for row in report["requestsByTime"]]
        assert counted == [sum(start <= at < end for at in mine) for start, end in pairwise(ends)], name
        whole(report, len(mine))


@pytest.mark.parametrize(
    ("name", "day", "hours", "first", "end"),
    [
        ("Europe/Berlin", "2026-03-29", 23, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("Europe/Berlin", "2025-10-26", 25, "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"),
        ("America/Havana", "2026-03-08", 23, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("America/Havana", "2025-11-02", 25, "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"),
        ("Asia/Kolkata", "2026-04-05", 24, "2026-04-04T18:30:00Z", "2026-04-05T18:30:00Z"),
        ("Asia/Kathmandu", "2026-04-05", 24, "2026-04-04T18:15:00Z", "2026-04-05T18:15:00Z"),
        # the half hour that comes twice stands by itself
        ("Australia/Lord_Howe", "2026-04-05", 25, "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
    ],
)
def test_a_day_has_the_hours_that_its_clocks_show(name, day, hours, first, end, settings, time_machine):
    time_machine.move_to(NOW, tick=False)
    settings.USAGE_HOURLY_RETENTION_DAYS = 200
    extent = UsageRange.asked({"dateFrom": day, "dateTo": day, "groupBy": "hour", "timeZone": ZoneInfo(name)})
    assert [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (extent.slots[0], extent.ends_at)] == [first, end]
    assert len(extent.slots) == hours


def test_a_time_without_an_offset_is_the_zones(usage):
    asked = {"dateFrom": "2026-04-06T09:00:00", "dateTo": "2026-04-06T11:00:00"}
    report = usage(**asked, timeZone="Asia/Kolkata").json()
    assert (report["dateFrom"], report["dateTo"]) == ("2026-04-06T03:30:00Z", "2026-04-06T05:30:00Z")
    report = usage(**asked).json()
    assert (report["dateFrom"], report["timeZone"]) == ("2026-04-06T09:00:00Z", "UTC")
    report = usage(timeZone="Asia/Kolkata").json()
    assert (report["dateFrom"], report["dateTo"]) == ("2026-04-06T13:30:00Z", "2026-04-07T13:30:00Z")
    assert report["requestsByTime"][0]["localTime"] == "2026-04-06T19:00:00+05:30"


@pytest.mark.parametrize("name", ["Mars/Olympus", "europe/berlin", "../../etc/passwd", "+05:30", "A" * 65])
def test_what_is_no_time_zone_is_refused(usage, name):
    answer = usage(timeZone=name)
    assert (answer.status_code, next(iter(answer.json()["details"]))) == (400, "timeZone")


def test_what_is_not_kept_is_said(time_machine):
    time_machine.move_to(NOW, tick=False)
    kolkata, berlin = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
    for zone, days in ((kolkata, 40), (berlin, 100)):
        with pytest.raises(ValidationFailed) as refused:
            UsageRange.of(date_from=NOW - timedelta(days=days), zone=zone)
        assert "timeZone" in refused.value.details
    assert UsageRange.of(date_from=NOW - timedelta(days=30), zone=kolkata).slots
    assert UsageRange.of(date_from=NOW - timedelta(days=80), zone=berlin).slots
    assert UsageRange.of(date_from=NOW - timedelta(days=400)).slots


def test_a_partners_key_sees_its_own_client_only(organization, used):
    key = KeyCaller(make_key(organization, name="Acme", scopes=["usage:read"]))
    path = f"{CLIENTS}/{{}}/usage"
    query = {"dateFrom": str(FIRST), "timeZone": "Asia/Kolkata"}
    assert key("get", path.format(used[0]), **query).json()["totalRequests"] > 400
    other = make_key(organization, name="Globex").key
    assert key("get", path.format(other.client_id), **query).status_code == 404


# --- The usage page -----------------------------------------------------------------------


@pytest.fixture
def page(organization, used):
    person = browser(make_member("member", organization))

    def look(**query):
        answer = person.get(reverse("dashboard-usage"), query)
        assert answer.status_code == 200
        check(answer.content.decode())
        return answer

    return look


def shown(answer):
    """The chart's labels with the requests of each."""
    chart = answer.context["requests_chart"]
    return list(zip(chart["labels"], chart["series"][0]["values"], strict=True))


def test_the_page_counts_the_days_of_the_chosen_zone(page, used):
    moments = [*used[1], *used[1][:20]]
    for name in ZONES:
        zone = ZoneInfo(name)
        answer = page(range="30d", zone=name)
        today = NOW.astimezone(zone).date()
        dates = Counter(at.astimezone(zone).date() for at in moments)
        days = [today - timedelta(days=number) for number in range(30)][::-1]
        assert [(label[:10], count) for label, count in shown(answer)] == [
            (str(day), dates[day]) for day in days
        ], name
        text = answer.content.decode()
        assert f"per day, {name}" in text
        assert ("All times are UTC" in text, f"Hours and days of {name}" in text) == (False, True)
        # the table beside the chart, newest first, by the same days
        assert text.index(f">{days[-1]}</td>") < text.index(f">{days[0]}</td>")
        assert f">{days[0] - timedelta(days=1)}</td>" not in text


def test_the_page_shows_the_hours_of_a_day_on_which_clocks_change(page, time_machine):
    time_machine.move_to(datetime(2026, 3, 29, 20, 30, tzinfo=UTC), tick=False)
    answer = page(zone="Europe/Berlin")
    labels = [label for label, _count in shown(answer)]
    assert len(labels) == 24
    assert [label[11:] for label in labels if label.startswith("2026-03-29T0")][:4] == [
        "00:00:00+01:00", "01:00:00+01:00", "03:00:00+02:00", "04:00:00+02:00",
    ]  # fmt: skip
    text = answer.content.decode()
    assert "per hour, Europe/Berlin" in text
    assert '2026-03-29 03:00 <span class="muted">+0200</span>' in text
    assert "2026-03-29 02:00" not in text


def test_the_page_shows_the_organizations_zone_unless_another_is_chosen(page, organization, used):
    with tenancy.operator():
        Organization.objects.filter(id=organization.id).update(time_zone="Asia/Kolkata")
    assert shown(page(range="7d")) == shown(page(range="7d", zone="Asia/Kolkata"))
    assert "Organization's time: Asia/Kolkata" in page().content.decode()
    for unknown in ("Mars/Olympus", "../etc/passwd", "\0"):
        assert "per hour, Asia/Kolkata" in page(zone=unknown).content.decode()
    assert "per hour, UTC" in page(zone="UTC").content.decode()
    # the whole hub has no zone but UTC
    ops = browser(make_member("super"))
    assert "per hour, UTC" in ops.get(reverse("dashboard-usage")).content.decode()
    theirs = ops.get(reverse("dashboard-usage"), {"organization": str(organization.id)})
    assert "per hour, Asia/Kolkata" in theirs.content.decode()


def test_the_page_falls_back_to_utc_where_a_zones_hours_are_kept_no_more(page, settings):
    settings.USAGE_QUARTER_HOURLY_RETENTION_DAYS = 10
    text = page(range="30d", zone="Asia/Kolkata").content.decode()
    assert "per day, UTC" in text
    assert "This far back only days of UTC are kept." in text
    assert "per day, Asia/Kolkata" in page(range="7d", zone="Asia/Kolkata").content.decode()
