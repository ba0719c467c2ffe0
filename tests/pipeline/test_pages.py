"""People take a lead through the pipeline in the dashboard; members look, others see nothing."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from config import tenancy
from leads.models import Lead
from partners.models import AuditEntry, User
from pipeline.models import Assignment, Desk, Policy, Proposal, Quote, Roster
from tests.factories import make_agent, make_organization, make_user
from tests.pages.test_content_policy import check
from tests.people import browser, make_member
from tests.pipeline.walking import announced, recorded, today

BOARD = reverse("dashboard-pipeline")


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


def page(person, path, **query):
    answer = person.get(path, query)
    assert answer.status_code == 200
    text = answer.content.decode()
    check(text)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    return text


def url(name, *args):
    return reverse(f"dashboard-pipeline-{name}", args=args)


def post(person, path, status=302, **form):
    answer = person.post(path, form)
    assert answer.status_code == status, answer.content.decode()[-3000:]
    return answer


def only(model):
    with tenancy.operator():
        return model.objects.get()


def lines(*rows):
    form = {"lines-TOTAL_FORMS": len(rows), "lines-INITIAL_FORMS": 0}
    for number, row in enumerate(rows):
        form |= {f"lines-{number}-{name}": value for name, value in row.items()}
    return form


COVER = {"description": "Cover", "unit_price": "1,000.00", "tax_rate": "18"}
QUOTE = {"title": "Car insurance", "currency": "ils", "valid_until": today(30)}


def test_a_lead_is_taken_from_the_board_to_a_cancelled_policy(seller, manager, agents):
    lead = seller.lead(name="Ada <b>", valueMinor=125_000, currency="ILS")
    assert "Ada &lt;b&gt;" in page(manager, BOARD)
    mine = url("lead", lead["id"])
    assert "Qualify the lead, and you can quote." in page(manager, mine)
    post(manager, url("assign", lead["id"]), agent=agents[1].id, answer_minutes=30)
    offer = only(Assignment)
    assert offer.agent_id == agents[1].id
    post(manager, url("step", "assignments", offer.id, "accept"))
    post(manager, url("lead-step", lead["id"], "qualified"))

    new = url("quote-new", lead["id"])
    page(manager, new)
    for wrong, said in (
        (lines({}), "A quote needs a line."),
        (lines(COVER | {"unit_price": "a lot"}), "This is not an amount."),
        (lines(COVER) | {"currency": "XX"}, "ISO 4217"),
        (lines(COVER) | {"valid_until": today(-3)}, "is over"),
    ):
        assert said in post(manager, new, 422, **(QUOTE | wrong)).content.decode()
    post(manager, new, **QUOTE, **lines(COVER, {}))
    quote = only(Quote)
    assert (quote.total_minor, quote.currency) == (118_000, "ILS")
    edit = url("quote-edit", quote.id)
    assert 'value="1000.00"' in page(manager, edit)
    post(manager, edit, **(QUOTE | {"title": "Home"}), **lines(COVER))
    post(manager, url("step", "quotes", quote.id, "send"))
    post(manager, edit, **QUOTE, **lines(COVER | {"discount": "100"}))
    with tenancy.operator():
        second = Quote.objects.get(version=2)
        assert Quote.objects.get(version=1).status == "superseded"
    assert second.total_minor == 106_200
    post(manager, url("step", "quotes", second.id, "send"))
    assert "Versions" in page(manager, url("record", "quotes", second.id))
    assert post(manager, url("step", "quotes", second.id, "reject"), 422, reason="").status_code == 422
    post(manager, url("step", "quotes", second.id, "accept"))

    post(manager, url("proposal-new", second.id), title="Car", terms="As said.", valid_days=7)
    proposal = only(Proposal)
    seen = url("record", "proposals", proposal.id)
    assert "/proposal/" not in page(manager, seen)
    post(manager, url("step", "proposals", proposal.id, "send"))
    assert "/proposal/" in page(manager, seen)
    post(manager, url("step", "proposals", proposal.id, "accept"), name="Ada")
    assert only(Proposal).decided_through == "dashboard"

    post(manager, url("policy-new", proposal.id), 422, starts_on=today(), premium="x")
    post(manager, url("policy-new", proposal.id), starts_on=today(3), premium="900")
    policy = only(Policy)
    shown = url("record", "policies", policy.id)
    refused = manager.post(url("step", "policies", policy.id, "activate"), follow=True)
    assert "The term begins on" in refused.content.decode()
    post(manager, url("step", "policies", policy.id, "activate"), early="on")
    post(
        manager, url("step", "policies", policy.id, "update"), product="Car", premium="950",
        starts_on=policy.starts_on, ends_on=policy.ends_on, reason="a second driver",
    )  # fmt: skip
    post(manager, url("step", "policies", policy.id, "cancel"), reason="sold the car")
    assert only(Policy).refund_minor == 95_000
    assert "To give back" in page(manager, shown)
    assert "Customers" in page(manager, BOARD)
    for plural in ("assignments", "quotes", "proposals", "policies"):
        assert "Ada &lt;b&gt;" in page(manager, url("records", plural), q="ada")
        assert "Nothing matches" in page(manager, url("records", plural), q="nobody\x00", status="sent")
    page(manager, mine)
    assert announced()[-4:] == ["policy.created", "policy.activated", "policy.updated", "policy.cancelled"]


def test_a_lead_is_rejected_with_a_reason(seller, manager):
    lead = seller.lead()
    post(manager, url("lead-step", lead["id"], "rejected"), 422, reason="")
    assert only(Lead).status == "new"
    post(manager, url("lead-step", lead["id"], "rejected"), reason="no budget")
    assert only(Lead).rejection_reason == "no budget"
    with tenancy.operator():
        (entry,) = AuditEntry.objects.filter(target_id=lead["id"])
    assert (entry.action, entry.actor) == ("lead.reject", User.objects.get().email)
    assert entry.after == {"rejectionReason": "no budget", "status": "rejected"}
    refused = manager.post(url("lead-step", lead["id"], "converted"), follow=True)
    assert "The lead is rejected." in refused.content.decode()
    assert "no budget" in page(manager, BOARD)


def test_agents_rooms_and_the_way_of_choosing_are_changed(manager, agents, organization):
    roster = url("roster")
    assert "Ann" in page(manager, roster, environment="sandbox")
    post(manager, roster, 422, environment="sandbox", strategy="load", answer_minutes=0, max_offers=3)
    post(manager, roster, environment="sandbox", strategy="load", answer_minutes=15, max_offers=3)
    with tenancy.operator():
        held = Roster.objects.get(environment="sandbox")
        desk = Desk.objects.get(agent=agents[0])
    assert (held.strategy, held.answer_minutes, held.max_offers) == ("load", 15, 3)
    post(manager, url("desk", desk.id), capacity=2)
    with tenancy.operator():
        desk.refresh_from_db()
    assert (desk.capacity, desk.is_available) == (2, False)
    post(manager, url("desk", desk.id), capacity=-1)
    with tenancy.operator():
        desk.refresh_from_db()
    assert desk.capacity == 2
    stranger = browser(make_member("owner", make_organization()))
    assert stranger.post(url("desk", desk.id), {"capacity": 9}).status_code == 404


def test_members_look_and_others_see_nothing(seller, organization, agents):
    policy = seller.policy()
    quote = seller.fresh("proposals", {"id": policy["proposalId"]})["quoteId"]
    offer = seller.done("/assignments", {"leadId": seller.lead()["id"]})
    member = browser(make_member("member", organization))
    stranger = browser(make_member("owner", make_organization()))
    everywhere = browser(make_member("super"))
    rows = {
        "assignments": offer["id"], "quotes": quote, "proposals": policy["proposalId"],
        "policies": policy["id"],
    }  # fmt: skip
    told = recorded()
    for plural, pk in rows.items():
        seen = page(member, url("record", plural, pk))
        assert "<form" not in seen.partition("<main")[2]
        page(everywhere, url("record", plural, pk))
        page(everywhere, url("records", plural))
        assert stranger.get(url("record", plural, pk)).status_code == 404
        assert "Nothing here yet" in page(stranger, url("records", plural))
        for step in ("accept", "send", "activate"):
            assert member.post(url("step", plural, pk, step)).status_code == 403
            assert stranger.post(url("step", plural, pk, step)).status_code == 404
    page(everywhere, BOARD)
    page(member, url("lead", policy["leadId"]))
    assert "Nothing in the pipeline yet" in page(stranger, BOARD)
    for path in (
        url("lead-step", policy["leadId"], "rejected"), url("assign", policy["leadId"]),
        url("quote-new", policy["leadId"]), url("quote-edit", quote), url("proposal-new", quote),
        url("policy-new", policy["proposalId"]),
    ):  # fmt: skip
        form = {"reason": "x"}
        assert (member.post(path, form).status_code, stranger.post(path, form).status_code) == (403, 404)
    assert recorded() == told
    assert Client().get(BOARD).status_code == 302


def test_ops_look_at_everything_and_not_at_the_link(seller, agents):
    seller.sent_proposal()
    seller.done("/assignments", {"leadId": seller.lead()["id"]})
    seller.done("/leads/exports", {})
    make_agent(agents[0].company)
    nonce = only(Proposal).link_nonce
    ops = Client()
    ops.force_login(make_user(is_staff=True).user)
    for name in ("roster", "desk", "assignment", "quote", "proposal", "policy", "change", "export"):
        answer = ops.get(reverse(f"admin:pipeline_{name}_changelist"), {"q": "ada"})
        assert answer.status_code == 200, name
    shown = ops.get(reverse("admin:pipeline_proposal_change", args=[only(Proposal).id])).content.decode()
    assert nonce not in shown
