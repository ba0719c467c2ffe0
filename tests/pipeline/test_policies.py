"""Policies: numbers without gaps, terms, endorsements, and what a cancelled one gives back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection
from hypothesis import given
from hypothesis import strategies as st

from config import tenancy
from leads.models import Lead
from pipeline.models import Policy
from pipeline.refunds import refund_of
from tests.pipeline.walking import announced, recorded, today

DAYS = st.dates(date(2000, 1, 1), date(2200, 1, 1))


@given(st.integers(0, 10**13), DAYS, st.integers(1, 40_000), st.integers(-500, 41_000))
def test_a_refund_is_the_premium_for_the_days_that_are_left(premium, starts_on, days, after):
    ends_on = starts_on + timedelta(days=days - 1)

    def refund(day):
        return refund_of(premium_minor=premium, starts_on=starts_on, ends_on=ends_on, cancelled_from=day)

    day = starts_on + timedelta(days=after)
    given_back, left = refund(day), min(max(days - after, 0), days)
    # never more than was paid, never less than nothing, and right to half a minor unit
    assert 0 <= given_back <= premium
    assert abs(2 * (given_back * days - premium * left)) <= days
    # a day more of cover never gives more back
    assert refund(day + timedelta(days=1)) <= given_back
    assert refund(starts_on) == premium
    assert refund(ends_on + timedelta(days=1)) == 0


@pytest.mark.parametrize(
    ("day", "refund"),
    [("2026-01-01", 36_500), ("2026-01-02", 36_400), ("2026-12-31", 100), ("2027-01-01", 0)],
)
def test_each_day_of_a_year_costs_the_same(day, refund):
    term = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
    assert refund_of(premium_minor=36_500, cancelled_from=date.fromisoformat(day), **term) == refund


def test_a_policy_is_what_its_proposal_says_for_a_year(seller):
    policy = seller.policy(startsOn="2028-02-01")
    proposal = seller.fresh("proposals", {"id": policy["proposalId"]})
    assert (policy["startsOn"], policy["endsOn"], policy["status"]) == ("2028-02-01", "2029-01-31", "pending")
    assert (policy["premiumMinor"], policy["currency"]) == (proposal["totalMinor"], "ILS")
    assert (policy["holder"], policy["product"]) == (proposal["customer"], proposal["title"])
    assert policy["number"] == f"P{today()[:4]}-000001"
    assert seller.fresh("leads", {"id": policy["leadId"]})["status"] == "converted"
    assert announced()[-2:] == ["lead.converted", "policy.created"]


def test_cover_does_not_begin_before_its_day_without_saying_so(seller):
    policy, told = seller.policy(startsOn=today(5)), recorded()
    path = f"/policies/{policy['id']}/activate"
    refused = seller.send(path)
    assert (refused.status_code, refused.json()["details"]["reason"]) == (422, "before_start")
    assert (seller.fresh("policies", policy)["status"], recorded()) == ("pending", told)
    assert seller.done(path, {"early": True})["status"] == "active"


def test_an_endorsement_is_announced_once_and_what_changes_nothing_is_none(seller):
    policy = seller.active_policy()
    path, heard = f"/policies/{policy['id']}", announced()
    assert seller.done(path, {"premiumMinor": policy["premiumMinor"]}, method="put") == policy
    assert announced() == heard
    changed = seller.done(path, {"premiumMinor": 5, "reason": "a second driver"}, method="patch")
    assert (changed["premiumMinor"], changed["endorsements"]) == (5, 1)
    assert announced() == [*heard, "policy.updated"]
    entry = seller.fresh("policies", policy)["history"][-1]
    assert entry["before"] == {"premiumMinor": policy["premiumMinor"], "reason": ""}
    assert entry["after"] == {"premiumMinor": 5, "reason": "a second driver"}


def test_an_endorsement_that_makes_no_sense_is_refused(seller):
    policy = seller.active_policy()
    before, told = seller.fresh("policies", policy), recorded()
    for change, status, said in (
        ({"startsOn": "2099-01-01", "endsOn": "2099-12-31"}, 422, "term_begun"),
        ({"startsOn": "2020-01-01", "endsOn": "2020-12-31"}, 422, "term_begun"),
        ({"endsOn": "2019-12-31"}, 400, "endsOn"),
        ({"endsOn": "2299-12-31"}, 400, "endsOn"),
        ({"startsOn": "2099-01-02", "endsOn": "2099-01-01"}, 400, "endsOn"),
        ({"premiumMinor": -1}, 400, "premiumMinor"),
    ):
        refused = seller.send(f"/policies/{policy['id']}", change, method="patch")
        details = refused.json()["details"]
        assert (refused.status_code, details.get("reason") == said or said in details) == (status, True), (
            change
        )
    assert (seller.fresh("policies", policy), recorded()) == (before, told)


def test_a_cancelled_policy_gives_back_what_is_left(seller):
    policy = seller.active_policy(endsOn=today(99), premiumMinor=10_000)
    path, told = f"/policies/{policy['id']}/cancel", recorded()
    refused = seller.send(path, {"reason": "sold", "cancelFrom": today(100)})
    assert (refused.status_code, refused.json()["details"]["reason"]) == (422, "after_end")
    assert recorded() == told
    cancelled = seller.done(path, {"reason": "sold", "cancelFrom": today(40)})
    assert (cancelled["refundMinor"], cancelled["cancelledFrom"]) == (6_000, today(40))


def test_cover_that_never_began_is_given_back_whole(seller):
    policy = seller.policy(startsOn=today(-30), endsOn=today(30), premiumMinor=777)
    cancelled = seller.done(f"/policies/{policy['id']}/cancel", {"reason": "too late"})
    assert cancelled["refundMinor"] == 777


def test_numbers_have_no_gap_whoever_asks_and_whatever_is_refused(seller, stranger):
    proposals = [seller.accepted_proposal() for _ in range(6)]
    foreign = stranger.policy()

    def issue(proposal):
        try:
            body = {"proposalId": proposal["id"], "startsOn": today()}
            refused = seller.send("/policies", body | {"endsOn": today(-1)})
            return refused.status_code, seller.send("/policies", body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(issue, [*proposals, *proposals]))
    assert sorted(answers) == [(400, 201)] * 6 + [(400, 409)] * 6
    listed = seller.get("/policies", sortBy="number", sortOrder="asc").json()["data"]
    year = today()[:4]
    assert [row["number"] for row in listed] == [f"P{year}-{number:06}" for number in range(1, 7)]
    assert foreign["number"] == f"P{year}-000001"
    with tenancy.operator():
        assert Lead.objects.filter(status="converted").count() == 7


def test_the_database_keeps_policies_and_their_numbers(seller):
    seller.policy()
    for change in ({"number": "P1"}, {"refund_minor": 1}):
        with pytest.raises(IntegrityError), tenancy.operator():
            Policy.objects.update(**change)
    with pytest.raises(IntegrityError), tenancy.operator():
        Policy.objects.all()._raw_delete("default")
