"""Leads are offered fairly: by turn, by load, to whoever has room; and on, until somebody takes them."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config import tenancy
from pipeline.models import Assignment, Desk, Roster
from pipeline.services import rosters
from pipeline.services.assignments import assignments_time_out
from tests.factories import make_agent, make_company, make_organization
from tests.pipeline.walking import announced, recorded


def offer(seller, **given):
    return seller.done("/assignments", {"leadId": seller.lead()["id"]} | given)


def names(agents, rows):
    by_id = {str(agent.id): agent.name for agent in agents}
    return [by_id[row["agentId"]] for row in rows]


def set_desk(agent, **given):
    with tenancy.operator():
        rosters.roster_complete(agent.organization_id, agent.environment)
        Desk.objects.filter(agent=agent).update(**given)


def test_by_turn_everybody_comes_once_before_anybody_comes_twice(seller, agents):
    offered = [offer(seller) for _ in range(6)]
    turns = names(agents, offered)
    assert turns[:3] == turns[3:]
    assert set(turns) == {"Ann", "Ben", "Cid"}
    assert {row["strategy"] for row in offered} == {"round_robin"}
    # who comes anew is next
    dan = make_agent(agents[0].company, name="Dan")
    assert names([dan], [offer(seller)]) == ["Dan"]


def test_by_load_the_smallest_share_of_a_capacity_comes_first(seller, agents):
    ann, ben, cid = agents
    set_desk(ann, capacity=10)
    set_desk(ben, capacity=2)
    set_desk(cid, is_available=False)
    for _ in range(6):
        offer(seller, strategy="load")
    # 5 of 10 and 1 of 2; by turn it would be 3 and 2, and Ben full
    assert Counter(names(agents, seller.get("/assignments").json()["data"])) == {"Ann": 5, "Ben": 1}


def test_whoever_has_no_room_is_skipped_and_when_nobody_has_the_call_is_refused(seller, agents):
    ann, ben, cid = agents
    set_desk(ann, capacity=1)
    set_desk(ben, capacity=0)
    set_desk(cid, is_available=False)
    taken = offer(seller)
    assert names(agents, [taken]) == ["Ann"]
    lead, told = seller.lead(), recorded()
    for body, reason in (
        ({}, "no_agent_available"),
        ({"agentId": str(ann.id)}, "agent_unavailable"),
        ({"agentId": str(cid.id)}, "agent_unavailable"),
    ):
        refused = seller.send("/assignments", {"leadId": lead["id"]} | body)
        assert (refused.status_code, refused.json()["details"]["reason"]) == (422, reason)
    assert recorded() == told
    # a lead that is won or lost is off the desk
    seller.done(f"/assignments/{taken['id']}/accept")
    seller.done(f"/leads/{taken['leadId']}/reject", {"reason": "no budget"})
    assert names(agents, [seller.done("/assignments", {"leadId": lead["id"]})]) == ["Ann"]


def test_an_offer_goes_on_until_nobody_is_left_and_that_is_visible(seller, agents):
    first = offer(seller)
    second = seller.done(f"/assignments/{first['id']}/reject", {"reason": "on leave"})["next"]
    assert (second["attempt"], second["previousId"], second["chainId"]) == (2, first["id"], first["chainId"])
    with tenancy.operator():
        Assignment.objects.filter(id=second["id"]).update(answer_by=timezone.now())
    assert assignments_time_out() == 1
    third = seller.get("/assignments", status="offered").json()["data"][0]
    assert seller.fresh("assignments", second)["status"] == "timed_out"
    assert len({first["agentId"], second["agentId"], third["agentId"]}) == 3
    last = seller.done(f"/assignments/{third['id']}/reject", {"reason": "too far"})
    assert (last["next"], last["exhausted"]) == (None, True)
    listed = seller.get("/assignments", exhausted="true").json()
    assert ([row["id"] for row in listed["data"]], listed["pagination"]["total"]) == ([third["id"]], 1)
    assert announced()[1:] == ["assignment.created", "assignment.rejected"] * 3
    # another round may begin
    again = seller.done("/assignments", {"leadId": first["leadId"]})
    assert (again["attempt"], again["chainId"]) == (1, again["id"])


def test_an_accepted_lead_is_the_agents_until_it_is_given_back(seller, agents):
    taken = offer(seller)
    seller.done(f"/assignments/{taken['id']}/accept")
    assert seller.fresh("leads", {"id": taken["leadId"]})["agentId"] == taken["agentId"]
    given_back = seller.done(f"/assignments/{taken['id']}/reject", {"reason": "on leave"})
    assert given_back["status"] == "rejected"
    assert given_back["next"]["agentId"] != taken["agentId"]
    history = seller.fresh("assignments", taken)["history"]
    assert [entry["action"] for entry in history] == ["create", "accept", "reject"]
    assert {entry["actor"] for entry in history} == {seller.issued.key.key_id}


def test_a_closed_lead_is_neither_offered_nor_taken_nor_offered_on(seller, agents):
    taken = offer(seller)
    seller.done(f"/leads/{taken['leadId']}/reject", {"reason": "no budget"})
    for path, body in (
        ("/assignments", {"leadId": taken["leadId"]}),
        (f"/assignments/{taken['id']}/accept", {}),
    ):
        refused = seller.send(path, body)
        assert (refused.status_code, refused.json()["details"]["reason"]) == (422, "lead_closed")
    ended = seller.done(f"/assignments/{taken['id']}/reject", {"reason": "closed"})
    assert (ended["next"], ended["exhausted"]) == (None, False)


def test_agents_are_the_leads_companys_and_the_tenants(seller, stranger, agents, organization):
    other = make_agent(make_company(organization, name="Other"))
    foreign = make_agent(make_company(make_organization()))
    lead = seller.lead(companyId=str(other.company_id))
    told = recorded()
    for agent in (agents[0], foreign):
        refused = seller.send("/assignments", {"leadId": lead["id"], "agentId": str(agent.id)})
        assert (refused.status_code, "agentId" in refused.json()["details"]) == (400, True)
    assert stranger.send("/assignments", {"leadId": lead["id"]}).status_code == 404
    assert recorded() == told
    assert seller.done("/assignments", {"leadId": lead["id"]})["agentId"] == str(other.id)


def many(seller, number, **given):
    leads = [seller.lead() for _ in range(number)]

    def want(lead):
        try:
            return seller.send("/assignments", {"leadId": lead["id"]} | given)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(want, leads))


@pytest.mark.parametrize("strategy", ["round_robin", "load"])
def test_of_many_at_once_each_agent_gets_the_same_and_nobody_more_than_fits(seller, agents, strategy):
    for agent in agents:
        set_desk(agent, capacity=4)
    answers = many(seller, 16, strategy=strategy)
    assert Counter(answer.status_code for answer in answers) == {201: 12, 422: 4}
    rows = seller.get("/assignments", limit=100).json()["data"]
    assert set(Counter(names(agents, rows)).values()) == {4}


def test_without_the_rosters_lock_they_would_get_more_than_fits(seller, agents, monkeypatch):
    """The negative control of the test above."""
    for agent in agents:
        set_desk(agent, capacity=1)
    monkeypatch.setattr(
        "pipeline.services.assignments.roster_lock",
        lambda organization_id, environment: Roster.objects.get(
            organization_id=organization_id, environment=environment
        ),
    )
    chosen = rosters.loads

    def slowly(*given):
        load = chosen(*given)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.3)")
        return load

    monkeypatch.setattr(rosters, "loads", slowly)
    answers = many(seller, 8)
    assert Counter(answer.status_code for answer in answers)[201] > 3


def test_a_lead_that_two_assign_at_once_is_offered_once(seller, agents):
    lead = seller.lead()

    def want(_):
        try:
            return seller.send("/assignments", {"leadId": lead["id"]}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(want, range(6))) == [201] + [409] * 5
    assert announced() == ["lead.created", "assignment.created"]


def test_an_answer_and_the_sweep_at_once_settle_it_once(seller, agents):
    rows = [offer(seller, maxOffers=1) for _ in range(6)]
    with tenancy.operator():
        Assignment.objects.update(answer_by=timezone.now() + timedelta(milliseconds=150))

    def work(row):
        try:
            return assignments_time_out() if row is None else take(row)
        finally:
            connection.close()

    def take(row):
        return seller.send(f"/assignments/{row['id']}/accept").status_code

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [one for row in rows for one in (row, None)]))
    with tenancy.operator():
        Assignment.objects.filter(status="offered").update(answer_by=timezone.now())
    assignments_time_out()
    ended = Counter(row["status"] for row in seller.get("/assignments").json()["data"])
    heard = Counter(announced())
    assert ended["accepted"] == heard["assignment.accepted"]
    assert ended["timed_out"] == heard["assignment.rejected"]
    assert ended["accepted"] + ended["timed_out"] == 6
