"""People's access tokens at the pipeline: their roles, the tenant a call is about, and what is kept of it.

Who may call which endpoint about whose rows is in tests/contract/test_access_matrix.py.
"""

import pytest
from standardwebhooks import Webhook

from config import tenancy
from credentials.limits import Limits
from leads.models import Lead, LeadChange
from partners.models import AuditEntry
from pipeline.models import Assignment, Change, Export, Policy, Proposal, Quote
from tests.factories import make_agent, make_company, make_key, make_organization
from tests.people import make_member
from tests.pipeline.test_walk import WALK, walk
from tests.pipeline.walking import LINES, Person, Seller, announced, recorded, today
from tests.webhooks.conftest import receiver as receiver  # the fixture
from webhooks.dispatcher import drain

ADA = {"name": "Ada", "email": "ada@a.example"}
NOUNS = ("leads", "assignments", "quotes", "proposals", "policies")


@pytest.fixture(autouse=True)
def roomy(monkeypatch):
    """A person walks faster here than people do."""
    monkeypatch.setattr("credentials.authentication.ANONYMOUS", Limits(per_minute=10_000))


@pytest.fixture
def owner(organization):
    return Person(make_member("owner", organization))


@pytest.fixture
def manager(organization):
    return Person(make_member("manager", organization))


@pytest.fixture
def member(organization):
    return Person(make_member("member", organization))


@pytest.fixture
def admin(organization):
    return Person(make_member("super"))


@pytest.fixture
def production(organization):
    """A partner's key in production, and an agent there."""
    make_agent(make_company(organization, environment="production"), name="Dan")
    return Seller(make_key(organization, environment="production"))


def rows(model):
    with tenancy.operator():
        return list(model.objects.order_by("created_at", "id"))


def refused(answer, expected, code, /, **details):
    assert (answer.status_code, answer.json()["error"]) == (expected, code), answer.content.decode()
    assert answer.json()["details"].items() >= details.items()


# --- What a person does -------------------------------------------------------------------


@pytest.mark.parametrize("role", ["owner", "manager"])
def test_a_person_takes_one_lead_all_the_way_and_is_named_by_history_and_audit(organization, role):
    for name in ("Ann", "Ben"):
        make_agent(make_company(organization, environment="production"), name=name)
    person = Person(make_member(role, organization))
    walk(person)
    assert announced() == WALK
    made = [row for model in (Lead, Assignment, Quote, Proposal, Policy) for row in rows(model)]
    assert {(row.organization_id, row.environment, row.client_id) for row in made} == {
        (organization.id, "production", None)
    }
    email = person.user.email
    assert {change.actor for change in (*rows(Change), *rows(LeadChange))} == {email}
    acts = [entry for entry in rows(AuditEntry) if entry.action.split(".")[0] in ("lead", "quote", "policy")]
    assert len(acts) >= 10
    assert {(entry.actor, entry.organization_id) for entry in acts} == {(email, organization.id)}
    assert {entry["actor"] for entry in person.fresh("quotes", {"id": rows(Quote)[0].id})["history"]} == {
        email
    }


def test_what_a_person_changes_reaches_the_subscriptions_of_that_environment(seller, owner, receiver):
    path = f"/api-clients/{seller.issued.key.client_id}/webhooks"
    hook = seller.done(path, {"url": receiver.url, "events": ["*"], "ordered": True})
    lead = owner.lead(environment="sandbox")
    owner.done(f"/leads/{lead['id']}/qualify")
    quote = owner.quote(seller.qualified())
    owner.lead()
    while drain():
        pass
    bodies = [Webhook(hook["secret"]).verify(one.body.decode(), one.headers) for one in receiver.received]
    assert [body["type"] for body in bodies] == [
        "lead.created", "lead.qualified", "lead.created", "lead.qualified", "quote.created",
    ]  # fmt: skip
    # a quote for a partner's lead is the partner's, as the dashboard's are
    (made,) = rows(Quote)
    assert (str(made.id), made.client_id) == (quote["id"], seller.issued.key.client_id)


def test_many_leads_at_once_answer_each_for_itself(owner, seller):
    leads = [ADA, {"name": "nobody"}, ADA | {"email": "beth@a.example"}]
    for caller, given in ((owner, {"environment": "sandbox"}), (seller, {})):
        answer = caller.send("/leads/bulk", {"leads": leads} | given, Idempotency_Key="bulk")
        assert answer.status_code == 200, answer.content.decode()
        assert [one["status"] for one in answer.json()["data"]] == [201, 400, 201]
        again = caller.send("/leads/bulk", {"leads": leads} | given, Idempotency_Key="bulk")
        assert (again.content, again["Idempotent-Replayed"]) == (answer.content, "true")
    assert [(lead.environment, lead.client_id) for lead in rows(Lead)] == [
        ("sandbox", None), ("sandbox", None), *[("sandbox", seller.issued.key.client_id)] * 2,
    ]  # fmt: skip


def test_a_step_that_is_refused_leaves_nothing(owner):
    lead = owner.lead()
    told, heard = recorded(), announced()
    refused(
        owner.send(f"/leads/{lead['id']}/convert"), 409, "INVALID_TRANSITION",
        status="new", allowed=["qualified", "rejected"],
    )  # fmt: skip
    assert (recorded(), announced(), rows(Lead)[0].status) == (told, heard, "new")


def test_a_call_under_one_key_happens_once_for_its_person(owner, manager):
    first = owner.send("/leads", ADA, Idempotency_Key="once")
    again = owner.send("/leads", ADA, Idempotency_Key="once")
    assert (first.status_code, first.content) == (201, again.content)
    assert again["Idempotent-Replayed"] == "true"
    refused(owner.send("/leads", ADA | {"name": "Eve"}, Idempotency_Key="once"), 409, "IDEMPOTENCY_CONFLICT")
    # and the key is this person's own
    assert manager.send("/leads", ADA, Idempotency_Key="once").json()["id"] != first.json()["id"]
    assert announced() == ["lead.created"] * 2


# --- Roles --------------------------------------------------------------------------------


def test_a_member_reads_and_changes_nothing(member, production):
    offer = production.done("/assignments", {"leadId": production.lead()["id"]})
    policy = production.active_policy()
    ids = {
        "leads": policy["leadId"], "quotes": rows(Quote)[0].id, "proposals": policy["proposalId"],
        "policies": policy["id"], "assignments": offer["id"],
    }  # fmt: skip
    for noun in NOUNS:
        assert member.get(f"/{noun}").json() == production.get(f"/{noun}").json()
        assert member.get(f"/{noun}").json()["pagination"]["total"] >= 1
        assert member.fresh(noun, {"id": ids[noun]}) == production.fresh(noun, {"id": ids[noun]})
    told, heard, kept = recorded(), announced(), len(rows(AuditEntry))
    for path in (
        "/leads", "/leads/bulk", "/assignments", "/quotes", "/proposals", "/policies",
        f"/leads/{ids['leads']}/reject", f"/assignments/{offer['id']}/accept",
        f"/policies/{policy['id']}/cancel", "/leads/exports", "/policies/exports",
    ):  # fmt: skip
        refused(member.send(path, ADA | {"reason": "x"}), 403, "FORBIDDEN", reason="missing_scope")
    assert (recorded(), announced(), len(rows(AuditEntry))) == (told, heard, kept)


def test_files_are_for_owners_and_managers(owner, manager, member):
    export = owner.done("/leads/exports", {"filters": {"status": "new"}})
    (made,) = rows(Export)
    assert (made.environment, made.client_id, made.requested_by) == ("production", None, owner.user.email)
    for path in ("/leads/exports", f"/leads/exports/{export['id']}"):
        assert manager.get(path).status_code == 200
        refused(member.get(path), 403, "FORBIDDEN", reason="missing_scope")


# --- The tenant of a call -----------------------------------------------------------------


def test_a_super_admin_names_the_organization(admin, organization, stranger):
    theirs = stranger.lead()
    named = {"organizationId": str(organization.id)}
    refused(admin.send("/leads", ADA), 400, "VALIDATION_ERROR", organizationId=["Name the organization."])
    refused(admin.get("/leads"), 400, "VALIDATION_ERROR", organizationId=["Name the organization."])
    lead = admin.done("/leads", ADA | named)
    assert lead["organizationId"] == str(organization.id)
    assert [one["id"] for one in admin.get("/leads", **named).json()["data"]] == [lead["id"]]
    # what is named by its id needs no more
    assert admin.done(f"/leads/{lead['id']}/qualify")["status"] == "qualified"
    assert admin.fresh("leads", theirs)["organizationId"] != str(organization.id)
    refused(admin.get(f"/leads/{theirs['id']}", **named), 404, "NOT_FOUND")
    refused(admin.send("/leads", ADA | {"organizationId": theirs["id"]}), 404, "NOT_FOUND")


def test_whoever_has_two_organizations_names_one_of_them(organization):
    other = make_organization()
    person = Person(make_member("owner", organization, other))
    refused(person.send("/leads", ADA), 400, "VALIDATION_ERROR", organizationId=["Name the organization."])
    lead = person.done("/leads", ADA | {"organizationId": str(other.id)})
    assert [one["id"] for one in person.get("/leads", organizationId=other.id).json()["data"]] == [lead["id"]]
    assert person.get("/leads", organizationId=organization.id).json()["data"] == []


def test_another_organization_is_not_there(owner, stranger):
    theirs, before = stranger.quote(), announced()
    elsewhere = theirs["organizationId"]
    for answer in (
        owner.get("/leads", organizationId=elsewhere),
        owner.send("/leads", ADA | {"organizationId": elsewhere}),
        owner.get(f"/quotes/{theirs['id']}"),
        owner.send(f"/quotes/{theirs['id']}/send"),
        owner.send(f"/leads/{theirs['leadId']}/reject", {"reason": "x"}),
        owner.send("/assignments", {"leadId": theirs["leadId"]}),
        owner.send("/proposals", {"quoteId": theirs["id"]}),
    ):
        refused(answer, 404, "NOT_FOUND")
    # and what is answered does not tell it from what nobody has
    unknown = owner.get(f"/quotes/{theirs['leadId']}").json()
    assert owner.get(f"/quotes/{theirs['id']}").json() | {"requestId": ""} == unknown | {"requestId": ""}
    assert announced() == before


def test_production_is_meant_where_no_environment_is_named(owner):
    mine, tried = owner.lead(), owner.lead(environment="sandbox")
    for query, lead in (
        ({}, mine),
        ({"environment": "production"}, mine),
        ({"environment": "sandbox"}, tried),
    ):
        assert [one["id"] for one in owner.get("/leads", **query).json()["data"]] == [lead["id"]], query
    assert [lead.environment for lead in rows(Lead)] == ["production", "sandbox"]
    assert owner.done("/leads?environment=sandbox", ADA)
    assert rows(Lead)[-1].environment == "sandbox"


def test_a_row_keeps_its_environment_and_what_is_made_for_it_is_there_too(owner, seller, agents, production):
    for partner, environment in ((seller, "sandbox"), (production, "production")):
        lead = partner.lead()
        offer = owner.done("/assignments", {"leadId": lead["id"]})
        assert partner.fresh("assignments", offer)["leadId"] == lead["id"]
        owner.done(f"/assignments/{offer['id']}/accept")
        owner.done(f"/leads/{lead['id']}/qualify")
        quote = owner.quote(lead)
        for step in ("send", "accept"):
            owner.done(f"/quotes/{quote['id']}/{step}")
        proposal = owner.done("/proposals", {"quoteId": quote["id"]})
        owner.done(f"/proposals/{proposal['id']}/send")
        owner.done(f"/proposals/{proposal['id']}/accept", {"name": "Ada"})
        policy = owner.done("/policies", {"proposalId": proposal["id"], "startsOn": today()})
        assert partner.fresh("policies", policy)["number"].endswith("-000001")
        listed = owner.get("/policies", environment=environment).json()["data"]
        assert [one["id"] for one in listed] == [policy["id"]]


def test_an_environment_that_is_named_is_held_to(owner, seller):
    lead, before = seller.qualified(), announced()
    named = {"environment": "production"}
    terms = {"title": "x", "currency": "ILS", "validUntil": today(1), "lines": LINES, "leadId": lead["id"]}
    for answer in (
        owner.get(f"/leads/{lead['id']}", **named),
        owner.send(f"/leads/{lead['id']}/convert", named),
        owner.send(f"/leads/{lead['id']}", {"notes": "x"} | named, method="patch"),
        owner.send("/quotes", terms | named),
    ):
        refused(answer, 404, "NOT_FOUND")
    assert announced() == before
    assert owner.done("/quotes", terms | {"environment": "sandbox"})["leadId"] == lead["id"]


def test_an_agent_of_the_other_environment_is_not_there(owner, agents):
    lead = owner.lead()
    answer = owner.send("/assignments", {"leadId": lead["id"], "agentId": str(agents[0].id)})
    refused(answer, 400, "VALIDATION_ERROR", agentId=["There is no such agent."])
    answer = owner.send("/leads", ADA | {"agentId": str(agents[0].id)})
    refused(answer, 400, "VALIDATION_ERROR", agentId=["There is no such agent."])
    assert len(rows(Lead)) == 1


def test_a_bad_tenant_names_its_field_and_changes_nothing(owner, organization):
    lead = owner.lead()
    for name, value in (("environment", "staging"), ("environment", 1), ("organizationId", "mine")):
        for answer in (
            owner.get("/leads", **{name: value}),
            owner.get(f"/leads/{lead['id']}", **{name: value}),
            owner.get("/leads/exports", **{name: value}),
            owner.send("/leads", ADA | {name: value}),
            owner.send("/leads/exports", {name: value}),
            owner.send(f"/leads/{lead['id']}/qualify", {name: value}),
        ):
            refused(answer, 400, "VALIDATION_ERROR")
            assert name in answer.json()["details"]
    two = owner.send("/leads?environment=production", ADA | {"environment": "sandbox"})
    refused(two, 400, "VALIDATION_ERROR", environment=["Query and body name two different ones."])
    assert announced() == ["lead.created"]


def test_a_key_names_no_tenant_but_its_own(seller, organization, stranger):
    own = {"organizationId": str(organization.id), "environment": "sandbox"}
    lead = seller.done("/leads", ADA | own)
    assert seller.get("/leads", **own).json()["pagination"]["total"] == 1
    for named in ({"organizationId": stranger.lead()["organizationId"]}, {"environment": "production"}):
        before = announced()
        for answer in (
            seller.get("/leads", **named),
            seller.send("/leads", ADA | named),
            seller.send(f"/leads/{lead['id']}/qualify", named),
        ):
            refused(answer, 403, "FORBIDDEN", reason="tenant_mismatch")
        assert announced() == before
