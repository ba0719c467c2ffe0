"""Publishable keys: what they read, from which pages, how often, until when; and nothing else."""

import pytest
from django.test import Client

from catalog.models import Offer
from config import tenancy
from credentials.limits import Limits
from credentials.models import RequestLog
from credentials.services.suspension import client_change_status, organization_change_status
from partners.models import AuditEntry
from rewards.models import Campaign, SmartLink
from storefronts import publishable
from storefronts.models import PublishableKey
from storefronts.services.publishable_keys import (
    origins_checked,
    publishable_key_issue,
    publishable_key_revoke,
    publishable_key_update,
)
from tests.campaigns import make_campaign, make_link
from tests.factories import ACTOR, make_client, make_organization
from tests.sites import make_deal, make_publishable_key
from tests.storefronts.conftest import SHOP


def names(answer):
    assert answer.status_code == 200, answer.content
    return [offer["name"] for offer in answer.json()["data"]]


def test_a_widget_reads_deals_without_what_is_the_partners_business(deal, widget):
    offer, link = deal("Shoes", description="Light ones", image_urls=["https://i.example/1.jpg"])
    answer = widget()
    assert answer.json() == {
        "data": [
            {
                "offer_id": str(offer.id),
                "name": "Shoes",
                "brand_name": "Stride",
                "category": "fashion",
                "description": "Light ones",
                "image_url": "https://i.example/1.jpg",
                "reward": {"type": "percentage", "value": 4.0, "currency": ""},
                "click_url": answer.json()["data"][0]["click_url"],
            }
        ]
    }
    assert f"/r/{link.code}?sub_id=widget-" in answer.json()["data"][0]["click_url"]
    assert widget(f"/{offer.id}").json() == answer.json()["data"][0]


@pytest.mark.parametrize(
    ("commission", "campaign", "reward"),
    [
        ({"commission_value": 1_250}, {"share": 3_333}, ("percentage", 4.17, "")),
        ({"commission_type": "flat", "commission_value": 999}, {"share": 5_000}, ("flat", 499.0, "USD")),
        (
            {},
            {"share": None, "flat_reward_minor": 1_500, "currency": "ILS"},
            ("flat", 1500.0, "ILS"),
        ),
    ],
)
def test_the_reward_is_what_the_visitor_gets(tenant, deal, widget, commission, campaign, reward):
    offer, _link = deal(**commission)
    make_link(make_campaign(tenant.organization, offer=offer, client=tenant, **campaign))
    shown = widget().json()["data"][0]["reward"]
    assert (shown["type"], shown["value"], shown["currency"]) == reward


def test_an_offer_of_which_nothing_comes_back_shows_no_reward(deal, widget):
    deal(share=0)
    assert widget().json()["data"][0]["reward"] is None


def test_a_widget_narrows_by_category_words_and_number(deal, widget):
    deal("Running shoes", category="Sport")
    deal("Linen", category="home")
    deal("Race bike", category="sport", description="for running errands")
    assert names(widget(category="SPORT")) == ["Race bike", "Running shoes"]
    assert names(widget(q="runs", category="sport")) == ["Race bike", "Running shoes"]
    assert names(widget(q="lin")) == ["Linen"]
    assert names(widget(limit=1)) == ["Race bike"]
    assert widget(limit=49).status_code == 400
    assert names(widget(q="' & | ! :* <->")) == []


def test_only_what_is_on_the_shelf_of_the_keys_client_is_shown(tenant, deal, widget):
    shown, _link = deal("Mine")
    deal("Hidden", is_hidden=True)
    deal("Ended", status="ended")
    deal("For somebody", link={"user_id": "u-1"})
    deal("Paused link", link={"status": "paused"})
    _offer, link = deal("Paused campaign")
    with tenancy.tenant(tenant.organization_id, "sandbox"):
        Campaign.objects.filter(id=link.campaign_id).update(status="paused")
    neighbour = make_client(tenant.organization)
    neighbour.organization = tenant.organization
    theirs, _link = make_deal(neighbour, "The neighbour's")
    organization = make_organization()
    elsewhere = make_client(organization)
    elsewhere.organization = organization
    foreign, _link = make_deal(elsewhere, "Another organization's")
    assert names(widget()) == ["Mine"]
    for other in (theirs, foreign):
        assert widget(f"/{other.id}").status_code == 404
    assert widget(f"/{shown.id}").status_code == 200


def test_exactly_the_allowed_origin_may_read_the_answer(deal, widget):
    deal()
    answer = widget()
    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert "Origin" in answer["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize(
    "origin",
    [
        "http://shop.example",
        "https://shop.example:8443",
        "https://evil.shop.example",
        "null",
        "",
        "https://shop.example.evil.example",
    ],
)
def test_any_other_origin_is_refused_and_cannot_read_why(deal, widget, origin):
    deal()
    answer = widget(origin=origin)
    assert answer.status_code == 403
    assert answer.json()["details"]["reason"] == "origin_not_allowed"
    assert "Access-Control-Allow-Origin" not in answer


def test_the_hubs_own_pages_need_no_entry(deal, widget):
    deal()
    assert widget(origin="", headers={"sec-fetch-site": "same-origin"}).status_code == 200
    assert widget(origin="", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_a_preflight_is_answered_for_an_allowed_origin_alone(widget):
    asked = {"access-control-request-method": "GET", "access-control-request-headers": "accept"}
    answer = widget(method="options", headers=asked)
    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert answer["Access-Control-Allow-Methods"] == "GET"
    refused = widget(method="options", headers=asked, origin="https://other.example")
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused


def test_a_publishable_key_opens_nothing_else(key, deal):
    deal()
    client = Client()
    for header in (
        {"x-partner-api-key": key.key},
        {"x-api-key": key.key},
        {"authorization": f"Bearer {key.key}"},
    ):
        for path in ("/api/partner/v1/health", "/api/partner/v1/companies", "/api/v1/api-clients"):
            assert client.get(path, headers=header).status_code == 401
    assert client.get(f"/api/partner/v1/health?key={key.key}").status_code == 401
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(client, method)(f"/v1/widgets/offers?key={key.key}", headers={"origin": SHOP})
        assert answer.status_code == 405


def test_a_partners_secret_key_is_no_publishable_key(other_partner):
    issued = other_partner.issued
    for given in (issued.raw, issued.key.key_id, "", "pub_sandbox_" + "a" * 20):
        answer = Client().get("/v1/widgets/offers", {"key": given}, headers={"origin": SHOP})
        assert answer.status_code == 401


def test_another_organizations_name_is_refused(widget, deal, tenant):
    deal()
    assert names(widget(tenant_id=str(tenant.organization_id).upper())) == ["Running shoes"]
    answer = widget(tenant_id="00000000-0000-7000-8000-000000000000")
    assert answer.status_code == 403
    assert answer.json()["details"]["reason"] == "tenant_mismatch"
    assert answer["Access-Control-Allow-Origin"] == SHOP


def test_a_revoked_key_is_refused_at_the_next_request(key, widget, deal):
    deal()
    assert widget().status_code == 200
    with tenancy.operator():
        publishable_key_revoke(key_id=key.id, actor=ACTOR)
        publishable_key_revoke(key_id=key.id, actor=ACTOR)
    assert widget().status_code == 401
    with tenancy.operator():
        assert AuditEntry.objects.filter(action="publishable_key.revoke").count() == 1


def test_origins_and_pace_hold_from_the_next_request(key, widget, deal):
    deal()
    with tenancy.operator():
        publishable_key_update(
            key_id=key.id, name="Shop", origins=["https://new.example"], requests_per_minute=2, actor=ACTOR
        )
    assert widget().status_code == 403
    assert widget(origin="https://new.example").status_code == 200
    full = [widget(origin="https://new.example") for _ in range(2)][-1]
    assert full.status_code == 429
    assert full.json()["error"] == "RATE_LIMIT_EXCEEDED"
    assert full["Access-Control-Allow-Origin"] == "https://new.example"
    assert int(full["Retry-After"]) > 0


def test_an_address_has_a_limit_of_its_own_whatever_key_it_shows(widget, deal, monkeypatch):
    deal()
    monkeypatch.setattr(publishable, "ADDRESS_LIMITS", Limits(per_minute=3, burst=3))
    assert [widget(key="nonsense").status_code for _ in range(3)] == [401, 401, 401]
    assert widget().status_code == 429


def test_the_answer_is_kept_five_minutes_and_known_again(widget, deal, tenant):
    offer, _link = deal()
    first = widget()
    assert first["Cache-Control"] == "public, max-age=300"
    again = widget(headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Access-Control-Allow-Origin"] == SHOP
    with tenancy.tenant(tenant.organization_id, "sandbox"):
        Offer.objects.filter(id=offer.id).update(name="Other shoes")
    changed = widget(headers={"if-none-match": first["ETag"]})
    assert changed.status_code == 200
    assert names(changed) == ["Other shoes"]


def test_each_request_is_in_the_log_under_its_key(widget, key, deal, shipped):
    deal()
    widget()
    shipped()
    with tenancy.operator():
        row = RequestLog.objects.get()
        assert (row.key_id, row.client_id, row.endpoint) == (key.key, key.client_id, "/v1/widgets/offers")


def test_origins_are_kept_as_browsers_write_them():
    given = [
        "https://Shop.Example:443/",
        "http://localhost:3000",
        "https://חנות.example",
        "https://shop.example",
    ]
    assert origins_checked(given) == [
        "http://localhost:3000",
        "https://shop.example",
        "https://xn--9dbd1a4b.example",
    ]


@pytest.mark.parametrize(
    "origin",
    [
        "shop.example",
        "*",
        "https://*.shop.example",
        "https://shop.example/path",
        "https://a@shop.example",
        "null",
        "javascript:alert(1)",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused_and_no_key_issued(tenant, origin):
    with tenancy.operator(), pytest.raises(Exception, match="not valid"):
        publishable_key_issue(client_id=tenant.id, name="Shop", origins=[origin], actor=ACTOR)
    with tenancy.operator():
        assert not PublishableKey.objects.exists()


def test_a_suspended_partner_or_organization_shows_nothing(tenant, key, widget, deal):
    deal()
    with tenancy.operator():
        client_change_status(client_id=tenant.id, status="SUSPENDED", actor=ACTOR)
    assert widget().status_code == 401
    other = make_client(make_organization())
    theirs = make_publishable_key(other, SHOP)
    assert (
        Client().get("/v1/widgets/offers", {"key": theirs.key}, headers={"origin": SHOP}).status_code == 200
    )
    with tenancy.operator():
        organization_change_status(organization_id=other.organization_id, status="suspended", actor=ACTOR)
    assert (
        Client().get("/v1/widgets/offers", {"key": theirs.key}, headers={"origin": SHOP}).status_code == 401
    )


def test_a_link_of_the_newest_campaign_is_taken(tenant, deal, widget):
    offer, old = deal()
    new = make_link(make_campaign(tenant.organization, offer=offer, client=tenant, share=9_000))
    shown = widget().json()["data"]
    assert [one["reward"]["value"] for one in shown] == [9.0]
    assert new.code in shown[0]["click_url"]
    with tenancy.tenant(tenant.organization_id, "sandbox"):
        SmartLink.objects.filter(id=new.id).update(status="paused")
    assert old.code in widget().json()["data"][0]["click_url"]
