"""Section C: campaigns and smart links as partners make them."""

import io
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from config import tenancy
from credentials.scopes import Scope
from partners.models import AuditEntry
from rewards.models import Campaign, SmartLink
from tests.campaigns import make_campaign
from tests.factories import make_key
from tests.offers import make_brand, make_network, make_offer
from tests.rewards.conftest import Program

CAMPAIGN = {
    "campaign_id", "tenant_id", "offer_id", "name", "pid", "share_pct", "flat_reward", "currency", "status",
    "created_at", "updated_at",
}  # fmt: skip


def campaigns():
    with tenancy.operator():
        return Campaign.objects.count()


def links():
    with tenancy.operator():
        return SmartLink.objects.count()


def refused(answer, status, code, reason=None):
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, code), body
    assert body["details"].get("reason") == reason
    return body["details"]


def test_a_campaign_is_created_listed_read_and_audited(program, offer):
    answer = program.campaign(offer, share_pct=12.5, name="Spring")
    campaign = answer.json()
    assert answer.status_code == 201, campaign
    assert set(campaign) == CAMPAIGN
    assert (campaign["share_pct"], campaign["flat_reward"], campaign["currency"]) == (12.5, None, "")
    assert (campaign["status"], campaign["tenant_id"]) == ("active", program.organization_id)
    nothing = {"clicks": 0, "conversions": 0, "conversion_rate": None, "earnings": []}
    listed = program.get("/campaigns").json()
    assert listed["data"] == [campaign | {"performance": nothing}]
    assert listed["pagination"]["total"] == 1
    read = program.get(f"/campaigns/{campaign['campaign_id']}").json()
    assert read == campaign | {"performance": nothing}
    with tenancy.operator():
        entry = AuditEntry.objects.get(action="campaign.create")
        stored = Campaign.objects.get()
    assert (entry.actor, entry.target_id) == (program.issued.key.key_id, campaign["campaign_id"])
    assert (stored.share, stored.client_id) == (1250, program.issued.key.client_id)


@pytest.mark.parametrize(
    ("given", "stored"), [(0, 0), (100, 10_000), (0.01, 1), ("33.33", 3333), (99.99, 9999)]
)
def test_a_share_is_kept_to_the_hundredth(program, offer, given, stored):
    answer = program.campaign(offer, share_pct=given)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["share_pct"] == float(given)
    with tenancy.operator():
        assert Campaign.objects.get().share == stored


@pytest.mark.parametrize("given", [12.345, -0.01, 100.01, "half", True, [1], 1e-7])
def test_a_share_beyond_hundredths_or_bounds_is_400(program, offer, given):
    details = refused(program.campaign(offer, share_pct=given), 400, "VALIDATION_ERROR")
    assert "share_pct" in details
    assert campaigns() == 0


def test_exactly_one_reward_is_given(program, offer):
    body = {"offer_id": str(offer.id), "tenant_id": program.organization_id}
    for reward in ({}, {"share_pct": 10, "flat_reward": 100}, {"share_pct": None, "flat_reward": None}):
        details = refused(program.post("/campaigns", body | reward), 400, "VALIDATION_ERROR")
        assert {"share_pct", "flat_reward"} <= set(details)
    refused(program.campaign(offer, flat_reward=0), 400, "VALIDATION_ERROR")
    refused(program.campaign(offer, share_pct=10, currency="USD"), 400, "VALIDATION_ERROR")
    assert campaigns() == 0


def test_a_flat_reward_fits_into_a_flat_commission(program, organization):
    offer = make_offer(
        organization, network=make_network(organization), commission_type="flat", commission_value=2_000
    )
    over = refused(
        program.campaign(offer, flat_reward=2_001), 422, "BUSINESS_RULE", "flat_reward_above_commission"
    )
    assert over["commission_minor"] == 2_000
    refused(
        program.campaign(offer, flat_reward=10, currency="EUR"), 422, "BUSINESS_RULE", "currency_mismatch"
    )
    assert campaigns() == 0
    made = program.campaign(offer, flat_reward=2_000).json()
    assert (made["flat_reward"], made["currency"], made["share_pct"]) == (2_000, "USD", None)


def test_the_tenant_is_named_and_is_ones_own(program, stranger, offer):
    refused(program.campaign(offer, tenant_id=stranger.organization_id), 403, "FORBIDDEN", "tenant_mismatch")
    body = {"offer_id": str(offer.id), "share_pct": 10}
    assert "tenant_id" in refused(program.post("/campaigns", body), 400, "VALIDATION_ERROR")
    refused(stranger.campaign(offer), 404, "NOT_FOUND")
    assert campaigns() == 0


def test_an_offer_beyond_the_keys_allow_list_is_403(organization, offer):
    other = make_offer(organization)
    program = Program(make_key(organization, offer_allowlist=[other.id]))
    refused(program.campaign(offer), 403, "FORBIDDEN", "offer_not_allowed")
    assert campaigns() == 0


@pytest.mark.parametrize(
    "state",
    [
        {"status": "paused"},
        {"status": "ended"},
        {"ends_at": timezone.now() - timedelta(minutes=1)},
        {"starts_at": timezone.now() + timedelta(days=1)},
    ],
)
def test_an_inactive_offer_is_422(program, organization, state):
    offer = make_offer(organization, **state)
    refused(program.campaign(offer), 422, "BUSINESS_RULE", "offer_inactive")
    assert campaigns() == 0


def test_each_action_wants_its_scope(organization, offer, link):
    reader = Program(make_key(organization, scopes=[Scope.CAMPAIGNS_READ], name="reader"))
    writer = Program(make_key(organization, scopes=[Scope.CAMPAIGNS_WRITE], name="writer"))
    refused(reader.campaign(offer), 403, "FORBIDDEN", "missing_scope")
    refused(reader.link(link.campaign_id), 403, "FORBIDDEN", "missing_scope")
    refused(
        reader.patch(f"/campaigns/{link.campaign_id}", status="paused"), 403, "FORBIDDEN", "missing_scope"
    )
    refused(writer.get("/campaigns"), 403, "FORBIDDEN", "missing_scope")
    refused(writer.link(link.campaign_id), 403, "FORBIDDEN", "missing_scope")
    assert reader.get("/campaigns").status_code == 200
    assert (campaigns(), links()) == (1, 1)


def test_a_campaign_is_paused_resumed_and_closed_for_good(program, offer):
    path = f"/campaigns/{program.campaign(offer).json()['campaign_id']}"
    states = [
        program.patch(path, status=status).json()["status"] for status in ("paused", "active", "closed")
    ]
    assert states == ["paused", "active", "closed"]
    assert program.patch(path, status="closed").status_code == 200
    details = refused(program.patch(path, status="active"), 409, "INVALID_TRANSITION")
    assert details["allowed"] == []
    refused(program.patch(path, status="gone"), 400, "VALIDATION_ERROR")
    refused(program.patch(path), 400, "VALIDATION_ERROR")
    assert program.get(path).json()["status"] == "closed"
    with tenancy.operator():
        assert AuditEntry.objects.filter(action="campaign.update").count() == 3


def test_others_campaigns_and_links_are_404_and_untouched(program, colleague, stranger, offer, link):
    campaign = f"/campaigns/{link.campaign_id}"
    for other in (colleague, stranger):
        refused(other.get(campaign), 404, "NOT_FOUND")
        refused(other.patch(campaign, status="closed"), 404, "NOT_FOUND")
        refused(other.link(link.campaign_id), 404, "NOT_FOUND")
        refused(other.get(f"/links/{link.id}"), 404, "NOT_FOUND")
        refused(other.patch(f"/links/{link.id}", status="paused"), 404, "NOT_FOUND")
        assert other.get("/campaigns").json()["data"] == []
        assert other.get("/links").json()["data"] == []
    assert program.get(campaign).json()["status"] == "active"
    assert program.get(f"/links/{link.id}").json()["status"] == "active"
    assert links() == 1


def test_a_key_of_the_whole_organization_sees_every_clients_campaigns(organization, link):
    whole = Program(make_key(organization, organization_wide=True))
    assert [row["campaign_id"] for row in whole.get("/campaigns").json()["data"]] == [str(link.campaign_id)]


def test_lists_are_filtered_sorted_and_paged(program, organization, offer, key):
    client = key.key.client
    made = [make_campaign(organization, offer=offer, client=client, name=f"Number {n}") for n in range(3)]
    assert [row["name"] for row in program.get("/campaigns", limit=2).json()["data"]] == [
        "Number 2",
        "Number 1",
    ]
    first = program.get("/campaigns", limit=2).json()["pagination"]
    rest = program.get("/campaigns", limit=2, cursor=first["nextCursor"]).json()
    assert [row["name"] for row in rest["data"]] == ["Number 0"]
    program.patch(f"/campaigns/{made[0].id}", status="paused")
    assert program.get("/campaigns", status="paused").json()["pagination"]["total"] == 1
    assert program.get("/campaigns", search="number 1").json()["pagination"]["total"] == 1
    refused(program.get("/campaigns", status="gone"), 400, "VALIDATION_ERROR")
    refused(program.get("/campaigns", sortBy="share"), 400, "VALIDATION_ERROR")


def test_the_same_idempotency_key_makes_one_campaign(program, offer):
    body = {"offer_id": str(offer.id), "tenant_id": program.organization_id, "share_pct": 10}
    answers = [program.post("/campaigns", body, **{"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert campaigns() == 1


def test_a_keys_limit_is_the_catalogues(program):
    answer = program.get("/campaigns")
    # a bucket of 1000
    assert (answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"]) == ("1000", "999")


def test_a_link_has_every_form_of_its_address(program, offer):
    campaign = program.campaign(offer).json()
    answer = program.link(campaign["campaign_id"], utm={"source": "mail"}, user_id="u-1", sub_id="spring")
    link = answer.json()
    assert answer.status_code == 201, link
    assert link["short_url"] == f"{settings.HUB_URL}/r/{link['code']}"
    assert link["smart_link"].startswith(link["short_url"])
    query = parse_qs(urlsplit(link["smart_link"]).query)
    assert query == {"pid": [campaign["pid"]], "offer_id": [str(offer.id)]}
    assert (link["pid"], link["offer_id"]) == (campaign["pid"], str(offer.id))
    raw = parse_qs(urlsplit(link["network_url"]).query)
    assert raw["campaign_id"] == ["4711"]
    assert raw["pub_id"] == ["77"]
    assert raw["p1"] == [f"{link['code']}.{{click_id}}"]
    assert raw["utm_source"] == ["mail"]
    assert (link["user_id"], link["sub_id"], link["utm"]) == ("u-1", "spring", {"source": "mail"})
    assert program.get("/links").json()["data"] == [link]
    assert program.get(f"/links/{link['link_id']}").json() == link


def test_a_deep_link_is_on_the_offers_own_site(program, offer):
    campaign_id = program.campaign(offer).json()["campaign_id"]
    deep = "https://shop.example/shoes?size=42"
    link = program.link(campaign_id, deep_link=deep, utm={"medium": "qr"}).json()
    assert parse_qs(urlsplit(link["network_url"]).query)["url"] == [f"{deep}&utm_medium=qr"]
    for elsewhere in (
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://evilshop.example/",
        "https://shop.example@evil.example/",
        "https://evil.example\\@shop.example/",
        "https://shop.example:8443/",
        "ftp://shop.example/",
    ):
        answer = program.link(campaign_id, deep_link=elsewhere)
        assert answer.status_code in {400, 422}, elsewhere
    refused(
        program.link(campaign_id, deep_link="https://evil.example/"),
        422,
        "BUSINESS_RULE",
        "deep_link_not_allowed",
    )
    for malformed in ("javascript:alert(1)", "//shop.example/", "shop.example"):
        refused(program.link(campaign_id, deep_link=malformed), 400, "VALIDATION_ERROR")
    assert links() == 1


def test_a_closed_campaign_gets_no_further_link(program, offer, link):
    program.patch(f"/campaigns/{link.campaign_id}", status="closed")
    refused(program.link(link.campaign_id), 422, "BUSINESS_RULE", "campaign_closed")
    assert links() == 1


def test_an_offer_that_ended_gets_no_further_link(program, offer, link):
    with tenancy.operator():
        type(offer).objects.filter(id=offer.id).update(status="ended")
    refused(program.link(link.campaign_id), 422, "BUSINESS_RULE", "offer_inactive")
    assert links() == 1


def test_an_offer_without_an_address_gets_no_link(program, organization):
    campaign = program.campaign(make_offer(organization, brand=make_brand(organization))).json()
    refused(program.link(campaign["campaign_id"]), 422, "BUSINESS_RULE", "offer_has_no_address")
    refused(program.link(campaign["campaign_id"], utm={"colour": "red"}), 400, "VALIDATION_ERROR")
    assert links() == 0


@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_links_qr_code_is_public(client, program, offer, kind, begins):
    link = program.link(program.campaign(offer).json()["campaign_id"]).json()
    answer = client.get(f"/r/{link['code']}/qr.{kind}", {"scale": "4"})
    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert "public" in answer["Cache-Control"]
    assert client.get(f"/r/{link['code']}/qr.gif").status_code == 404
    assert client.get(f"/r/unknown1/qr.{kind}").status_code == 404
    assert len(io.BytesIO(answer.content).getvalue()) > 200
