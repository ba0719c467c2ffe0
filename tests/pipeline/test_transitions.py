"""Every state of each machine, and every step: it is done, or refused and nothing is changed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from config import tenancy
from leads.services.leads import TRANSITIONS as LEADS
from pipeline import transitions
from pipeline.models import Assignment, Policy, Proposal, Quote
from pipeline.services.assignments import assignments_time_out
from pipeline.services.policies import policies_expire
from pipeline.services.proposals import proposals_expire
from pipeline.services.quotes import quotes_expire
from tests.pipeline.walking import announced, recorded, today

BODIES = {
    ("quotes", "reject"): {"reason": "too dear"},
    ("quotes", "update"): {"title": "Home insurance"},
    ("quotes", "revise"): {"title": "Home insurance"},
    ("assignments", "reject"): {"reason": "on leave"},
    ("proposals", "accept"): {"name": "Ada"},
    ("proposals", "reject"): {"reason": "changed my mind"},
    ("proposals", "update"): {"title": "Home insurance"},
    ("policies", "update"): {"premiumMinor": 1},
    ("policies", "cancel"): {"reason": "sold"},
}
ANNOUNCED = {
    ("assignments", "accept"): "assignment.accepted", ("assignments", "reject"): "assignment.rejected",
    ("quotes", "send"): "quote.sent", ("quotes", "accept"): "quote.accepted",
    ("quotes", "reject"): "quote.rejected", ("quotes", "revise"): "quote.created",
    ("proposals", "send"): "proposal.sent", ("proposals", "accept"): "proposal.accepted",
    ("proposals", "reject"): "proposal.rejected", ("policies", "update"): "policy.updated",
    ("policies", "activate"): "policy.activated", ("policies", "cancel"): "policy.cancelled",
}  # fmt: skip
PAST = {
    "assignments": (Assignment, "answer_by", assignments_time_out),
    "quotes": (Quote, "expires_at", quotes_expire),
    "proposals": (Proposal, "expires_at", proposals_expire),
    "policies": (Policy, "ends_at", policies_expire),
}
MACHINES = {
    "assignments": transitions.ASSIGNMENTS,
    "quotes": transitions.QUOTES,
    "proposals": transitions.PROPOSALS,
    "policies": transitions.POLICIES,
}


def let_time_pass(noun):
    """The row's time is over, and the sweep has seen it."""
    model, column, sweep = PAST[noun]
    with tenancy.operator():
        model.objects.update(**{column: timezone.now() - timedelta(seconds=1)})
    assert sweep() == 1
    assert sweep() == 0


def row_in(seller, noun, state):
    """A row in this state, by the steps that lead there."""
    if noun == "assignments":
        row = seller.done("/assignments", {"leadId": seller.lead()["id"], "maxOffers": 1})
        if state in ("accepted", "rejected"):
            step = state.removesuffix("ed")
            seller.done(f"/assignments/{row['id']}/{step}", BODIES.get((noun, step)))
    elif noun == "quotes":
        row = seller.quote_in("sent" if state == "expired" else state)
    elif noun == "proposals":
        row = seller.proposal() if state == "draft" else seller.sent_proposal()
        if state in ("accepted", "rejected"):
            step = state.removesuffix("ed")
            seller.done(f"/proposals/{row['id']}/{step}", BODIES[(noun, step)])
    else:
        row = seller.policy() if state in ("pending", "expired") else seller.active_policy()
        if state == "cancelled":
            seller.done(f"/policies/{row['id']}/cancel", BODIES[(noun, "cancel")])
    if state in ("expired", "timed_out"):
        let_time_pass(noun)
    row = seller.fresh(noun, row)
    assert row["status"] == state
    return row


def take(seller, noun, row, step):
    if step == "update":
        return seller.send(f"/{noun}/{row['id']}", BODIES[(noun, step)], method="patch")
    return seller.send(f"/{noun}/{row['id']}/{step}", BODIES.get((noun, step)))


@pytest.mark.parametrize(
    ("noun", "state"), [(noun, state) for noun, machine in MACHINES.items() for state in machine.table]
)
def test_each_step_is_done_or_refused_with_nothing_changed(seller, agents, noun, state):
    machine = MACHINES[noun]
    steps = {step for table in machine.table.values() for step in table} - machine.by_itself
    allowed = machine.allowed(state)
    row = row_in(seller, noun, state)
    for step in sorted(steps - set(allowed)):
        before, heard, told = seller.fresh(noun, row), announced(), recorded()
        refused = take(seller, noun, row, step)
        assert (refused.status_code, refused.json()["error"]) == (409, "INVALID_TRANSITION"), step
        assert refused.json()["details"] == {"status": state, "allowed": allowed, "retryable": False}
        assert (seller.fresh(noun, row), announced(), recorded()) == (before, heard, told), step
    for step in allowed:
        fresh = row if step == allowed[-1] else row_in(seller, noun, state)
        heard = announced()
        done = take(seller, noun, fresh, step)
        assert done.status_code in (200, 201), done.content.decode()
        assert seller.fresh(noun, fresh)["status"] == machine.table[state][step]
        new = announced()[len(heard) :]
        wanted = ANNOUNCED.get((noun, step))
        assert [kind for kind in new if kind != "lead.updated"] == ([wanted] if wanted else []), step


LEAD_STEPS = {"qualify": "qualified", "convert": "converted", "reject": "rejected"}


@pytest.mark.parametrize("state", ["new", "qualified", "converted", "rejected"])
def test_a_lead_too_takes_only_the_steps_of_its_table(seller, state):
    reason = {"reason": "no budget"}

    def lead_in():
        lead = seller.lead()
        for step, status in LEAD_STEPS.items():
            if status == state or (state, step) == ("converted", "qualify"):
                lead = seller.done(f"/leads/{lead['id']}/{step}", reason if step == "reject" else None)
        return lead

    for step, status in LEAD_STEPS.items():
        lead = lead_in()
        before, heard = seller.fresh("leads", lead), announced()
        answer = seller.send(f"/leads/{lead['id']}/{step}", reason if step == "reject" else None)
        if status in LEADS[state]:
            assert (answer.status_code, answer.json()["status"]) == (200, status)
            assert answer.json()["rejectionReason"] == ("no budget" if step == "reject" else "")
            assert announced()[len(heard) :] == [f"lead.{status}"]
        else:
            assert (answer.status_code, answer.json()["error"]) == (409, "INVALID_TRANSITION")
            details = answer.json()["details"]
            assert (details["status"], details["allowed"]) == (state, list(LEADS[state]))
            assert (seller.fresh("leads", lead), announced()) == (before, heard)


def test_what_is_over_is_refused_before_the_sweep_sees_it(seller, agents):
    quote, proposal = seller.quote_in("sent"), seller.sent_proposal()
    offer = seller.done("/assignments", {"leadId": seller.lead()["id"]})
    with tenancy.operator():
        for model, column, _sweep in PAST.values():
            model.objects.update(**{column: timezone.now()})
    for noun, row, step in (
        ("quotes", quote, "accept"), ("quotes", quote, "reject"), ("proposals", proposal, "accept"),
        ("proposals", proposal, "reject"), ("proposals", proposal, "link"), ("assignments", offer, "accept"),
        ("assignments", offer, "reject"),
    ):  # fmt: skip
        told = recorded()
        refused = take(seller, noun, row, step)
        assert refused.status_code == 409, (noun, step)
        assert refused.json()["details"]["status"] in ("expired", "timed_out")
        assert recorded() == told


def test_a_reason_is_asked_for(seller, agents):
    lead = seller.lead()
    offer = seller.done("/assignments", {"leadId": lead["id"]})
    quote, proposal, policy = seller.quote_in("sent"), seller.sent_proposal(), seller.active_policy()
    for path in (
        f"/leads/{lead['id']}/reject", f"/assignments/{offer['id']}/reject", f"/quotes/{quote['id']}/reject",
        f"/proposals/{proposal['id']}/reject", f"/policies/{policy['id']}/cancel",
    ):  # fmt: skip
        told = recorded()
        for body in ({}, {"reason": " "}):
            refused = seller.send(path, body)
            assert (refused.status_code, next(iter(refused.json()["details"]))) == (400, "reason")
        assert recorded() == told


def test_each_thing_needs_the_one_before_it(seller):
    draft = seller.quote()
    unsent = seller.proposal()
    told = recorded()
    for path, body, reason in (
        ("/quotes", {"leadId": seller.lead()["id"]}, "lead_not_qualified"),
        ("/proposals", {"quoteId": draft["id"]}, "quote_not_accepted"),
        ("/policies", {"proposalId": unsent["id"], "startsOn": today()}, "proposal_not_accepted"),
    ):
        terms = {"title": "x", "currency": "ILS", "validUntil": today(1), "lines": [{"description": "x"}]}
        terms["lines"][0]["unitPriceMinor"] = 1
        refused = seller.send(path, (terms if path == "/quotes" else {}) | body)
        assert (refused.status_code, refused.json()["details"]["reason"]) == (422, reason)
    assert recorded() == told


def test_a_second_one_names_the_first(seller, agents):
    accepted = seller.accepted_proposal()
    policy = seller.done("/policies", {"proposalId": accepted["id"], "startsOn": today()})
    lead = seller.lead()
    offer = seller.done("/assignments", {"leadId": lead["id"]})
    told = recorded()
    for path, body, named in (
        ("/assignments", {"leadId": lead["id"]}, {"assignmentId": offer["id"]}),
        ("/proposals", {"quoteId": accepted["quoteId"]}, {"proposalId": accepted["id"]}),
        ("/policies", {"proposalId": accepted["id"], "startsOn": today()}, {"policyId": policy["id"]}),
    ):
        refused = seller.send(path, body)
        assert (refused.status_code, refused.json()["error"]) == (409, "CONFLICT")
        assert refused.json()["details"].items() >= named.items()
    assert recorded() == told
