"""One lead's way to a cancelled policy; and every event type that contract D lists is fired by a change."""

import io
import json
from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from standardwebhooks import Webhook

from config import tenancy
from partners.models import AuditEntry
from pipeline.models import Assignment
from pipeline.services.assignments import assignments_time_out
from tests.pipeline.walking import announced, today
from tests.webhooks.conftest import receiver as receiver  # the fixture
from webhooks.dispatcher import drain
from webhooks.registry import EVENT_TYPES

LISTED = {
    f"{noun}.{step}"
    for noun, steps in {
        "lead": "created updated qualified converted rejected",
        "assignment": "created accepted rejected",
        "policy": "created updated activated cancelled",
        "quote": "created sent accepted rejected",
        "proposal": "created sent accepted rejected",
    }.items()
    for step in steps.split()
}


def walk(seller):
    """Every step on one lead's way, with a detour wherever there is one."""
    lead = seller.lead(valueMinor=125_000, currency="ILS")
    seller.done(f"/leads/{lead['id']}", {"notes": "wants a call"}, method="patch")
    refused = seller.done("/assignments", {"leadId": lead["id"]})
    taken = seller.done(f"/assignments/{refused['id']}/reject", {"reason": "on leave"})["next"]
    seller.done(f"/assignments/{taken['id']}/accept")
    seller.done(f"/leads/{lead['id']}/qualify")
    quote = seller.quote(lead)
    seller.done(f"/quotes/{quote['id']}/send")
    seller.done(f"/quotes/{quote['id']}/reject", {"reason": "too dear"})
    cheaper = [{"description": "Cover", "unitPriceMinor": 100_000, "taxRate": "18"}]
    quote = seller.done(f"/quotes/{quote['id']}/revise", {"lines": cheaper})
    seller.done(f"/quotes/{quote['id']}/send")
    seller.done(f"/quotes/{quote['id']}/accept")
    declined = seller.done("/proposals", {"quoteId": quote["id"]})
    seller.done(f"/proposals/{declined['id']}/send")
    seller.done(f"/proposals/{declined['id']}/reject", {"reason": "wrong address"})
    proposal = seller.done("/proposals", {"quoteId": quote["id"]})
    seller.done(f"/proposals/{proposal['id']}/send")
    seller.done(f"/proposals/{proposal['id']}/accept", {"name": "Ada Lovelace"})
    policy = seller.done("/policies", {"proposalId": proposal["id"], "startsOn": today()})
    seller.done(f"/policies/{policy['id']}/activate")
    seller.done(f"/policies/{policy['id']}", {"premiumMinor": 120_000}, method="put")
    return seller.done(f"/policies/{policy['id']}/cancel", {"reason": "sold the car"})


WALK = [
    "lead.created", "lead.updated", "assignment.created", "assignment.rejected", "assignment.created",
    "lead.updated", "assignment.accepted", "lead.qualified", "quote.created", "quote.sent", "quote.rejected",
    "quote.created", "quote.sent", "quote.accepted", "proposal.created", "proposal.sent", "proposal.rejected",
    "proposal.created", "proposal.sent", "proposal.accepted", "lead.converted", "policy.created",
    "policy.activated", "policy.updated", "policy.cancelled",
]  # fmt: skip


def test_one_lead_goes_all_the_way_and_a_receiver_hears_each_step_once_in_order(seller, agents, receiver):
    client = seller.issued.key.client_id
    hook = seller.done(
        f"/api-clients/{client}/webhooks", {"url": receiver.url, "events": ["*"], "ordered": True}
    )
    policy = walk(seller)
    assert (policy["status"], policy["refundMinor"]) == ("cancelled", 120_000)
    assert announced() == WALK
    while drain():
        pass
    bodies = [
        Webhook(hook["secret"]).verify(received.body.decode(), received.headers)
        for received in receiver.received
    ]
    assert [body["type"] for body in bodies] == WALK
    assert len({received.id for received in receiver.received}) == len(WALK)
    lead_ids = {body["data"].get("leadId", body["data"]["id"]) for body in bodies}
    assert len(lead_ids) == 1
    assert json.loads(receiver.received[-1].body)["data"]["refundMinor"] == 120_000
    lead = seller.fresh("leads", {"id": policy["leadId"]})
    assert (lead["status"], lead["agentId"]) == ("converted", policy["agentId"])
    with tenancy.operator():
        acts = set(AuditEntry.objects.values_list("action", flat=True))
    assert {
        "lead.qualify", "lead.convert", "assignment.create", "assignment.reject", "assignment.accept",
        "quote.create", "quote.send", "quote.reject", "quote.revise", "quote.accept", "proposal.create",
        "proposal.send", "proposal.reject", "proposal.accept", "policy.create", "policy.activate",
        "policy.update", "policy.cancel",
    } <= acts  # fmt: skip
    assert not {"lead.create", "lead.update"} & acts
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert "BROKEN" not in out.getvalue()


def test_all_twenty_types_are_declared_and_fired(seller, agents):
    assert len(LISTED) == 20
    assert set(EVENT_TYPES) >= LISTED
    walk(seller)
    seller.done(f"/leads/{seller.lead()['id']}/reject", {"reason": "no budget"})
    assert set(announced()) == LISTED


def test_each_type_is_described_with_scope_schema_and_example(seller):
    listed = {one["name"]: one for one in seller.get("/webhook-events").json()["data"]}
    for name in LISTED:
        noun = name.split(".")[0]
        plural = "policies" if noun == "policy" else f"{noun}s"
        assert listed[name]["scope"] == f"{plural}:read"
        assert {"id", "organizationId", "status", "createdAt"} <= listed[name]["example"]["data"].keys()


def test_a_step_that_is_asked_for_twice_under_one_key_happens_once(seller, agents):
    lead = seller.lead()
    path, body = "/assignments", {"leadId": lead["id"]}
    first = seller.send(path, body, Idempotency_Key="once")
    again = seller.send(path, body, Idempotency_Key="once")
    assert (first.status_code, first.content) == (201, again.content)
    assert again["Idempotent-Replayed"] == "true"
    assert announced() == ["lead.created", "assignment.created"]


def test_an_offer_that_times_out_is_announced_once(seller, agents):
    seller.done("/assignments", {"leadId": seller.lead()["id"], "maxOffers": 1})
    with tenancy.operator():
        Assignment.objects.update(answer_by=timezone.now() - timedelta(seconds=1))
    assert (assignments_time_out(), assignments_time_out()) == (1, 0)
    assert announced() == ["lead.created", "assignment.created", "assignment.rejected"]
