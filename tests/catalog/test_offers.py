"""The offers a key sees, from cache until the catalogue changes."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import answers, versions
from catalog.services.offers import brand_create, brand_update, offer_create, offer_update
from config import tenancy
from config.api.exceptions import ServiceUnavailable
from credentials.scopes import Scope
from credentials.store import store
from tests.factories import ACTOR, make_key, make_organization
from tests.offers import make_brand, make_network, make_offer


@pytest.fixture(autouse=True)
def forgotten():
    answers.answers_forget()


@pytest.fixture
def key(organization):
    return make_key(organization, scopes=[Scope.OFFERS_READ])


def get(key, path="", headers=None, **query):
    client = Client(raise_request_exception=False, headers={"x-partner-api-key": key.raw} | (headers or {}))
    return client.get(f"/v1/offers{path}", query)


def names(key, **query):
    answer = get(key, **query)
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["data"]]


def change(offer, **terms):
    with tenancy.tenant(offer.organization_id, offer.environment):
        return offer_update(offer_id=offer.id, actor=ACTOR, **terms)


def test_an_offer_has_the_contracts_fields(organization, key):
    brand = make_brand(organization, name="Nordwind", logo_url="https://cdn.example/n.svg")
    offer = make_offer(
        organization, brand=brand, name="Trail shoes", category="Sports", description="For hills",
        commission_value=750, default_share=3333, image_urls=["https://cdn.example/1.jpg"],
    )  # fmt: skip
    flat = make_offer(organization, commission_type="flat", commission_value=1200, commission_currency="EUR")
    answer = get(key, sortBy="createdAt", sortOrder="asc")
    first, second = answer.json()["data"]
    assert first == {
        "offer_id": str(offer.id),
        "name": "Trail shoes",
        "brand_id": str(brand.id),
        "brand_name": "Nordwind",
        "category": "Sports",
        "description": "For hills",
        "base_commission": {"type": "percentage", "value": 7.5, "currency": "USD"},
        "default_share_pct": 33.33,
        "status": "active",
        "image_url": "https://cdn.example/1.jpg",
        "brand_logo_url": "https://cdn.example/n.svg",
    }
    assert second["base_commission"] == {"type": "flat", "value": 1200, "currency": "EUR"}
    assert (second["default_share_pct"], second["offer_id"]) == (50, str(flat.id))
    assert answer.json()["pagination"] == {
        "page": 1, "limit": 20, "total": 2, "totalPages": 1, "nextCursor": None,
    }  # fmt: skip
    detail = get(key, f"/{offer.id}").json()
    assert detail.items() >= first.items()
    assert detail["caps"]["daily_conversions"] is None
    assert detail["regions"] == []


def test_only_open_offers_are_listed_unless_others_are_asked_for(organization, key):
    now = timezone.now()
    make_offer(organization, name="open", starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
    make_offer(organization, name="paused", status="paused")
    make_offer(organization, name="ended", status="ended")
    make_offer(organization, name="over", ends_at=now - timedelta(seconds=1))
    make_offer(organization, name="ahead", starts_at=now + timedelta(days=1))
    hidden = make_offer(organization, name="hidden", is_hidden=True)
    make_offer(organization, name="of nobody", brand=make_brand(organization, status="inactive"))
    assert names(key) == ["open"]
    assert set(names(key, status="paused")) == {"paused", "ahead"}
    assert set(names(key, status="ended")) == {"ended", "over"}
    rows = get(key, status="all").json()["data"]
    assert {row["name"]: row["status"] for row in rows} == {
        "open": "active", "paused": "paused", "ended": "ended", "over": "ended", "ahead": "paused",
    }  # fmt: skip
    assert get(key, f"/{hidden.id}").status_code == 404


def test_filters_narrow_the_list(organization, key):
    brand = make_brand(organization)
    make_offer(organization, brand=brand, name="a", category="Travel", commission_value=550, regions=["DE"])
    make_offer(organization, name="b", category="fashion", commission_value=500)
    make_offer(organization, name="c", commission_type="flat", commission_value=6, regions=["FR"])
    assert names(key, brand_id=str(brand.id)) == ["a"]
    assert names(key, category="travel") == ["a"]
    assert len(names(key, category="", q="")) == 3
    assert set(names(key, min_commission="5.5")) == {"a", "c"}
    assert names(key, min_commission="5.51", commission_type="percentage") == []
    assert set(names(key, region="fr")) == {"b", "c"}
    assert names(key, sortBy="name", sortOrder="asc", limit=2) == ["a", "b"]


def test_text_finds_words_beginnings_and_hebrew(organization, key):
    brand = make_brand(organization, name="Nordwind")
    make_offer(organization, brand=brand, name="Running shoes", description="Light for hills")
    make_offer(organization, name="Rain jackets", description="They run small")
    make_offer(organization, name="נעלי ריצה קלות")
    assert names(key, q="nordwind shoe") == ["Running shoes"]
    assert names(key, q="run")[0] == "Running shoes"  # the name weighs more than the description
    assert set(names(key, q="run")) == {"Running shoes", "Rain jackets"}
    assert names(key, q="jack") == ["Rain jackets"]
    assert names(key, q="run -shoes") == ["Rain jackets"]
    assert names(key, q='"rain jackets"') == ["Rain jackets"]
    assert names(key, q="ריצ") == ["נעלי ריצה קלות"]
    assert names(key, search="hills") == ["Running shoes"]
    for nothing in ("zzz", "'", "&|!:*", "-", '"'):
        assert names(key, q=nothing) == []


def test_a_long_list_is_read_by_cursor(organization, key):
    for number in range(5):
        make_offer(organization, name=f"Offer {number} shoes")
    for query in ({}, {"q": "shoes"}, {"sortBy": "commission"}):
        seen, cursor = [], None
        for _ in range(3):
            page = get(key, limit=2, **query, **({"cursor": cursor} if cursor else {})).json()
            seen += [row["name"] for row in page["data"]]
            cursor = page["pagination"]["nextCursor"]
        assert len(set(seen)) == 5
        assert cursor is None


@pytest.mark.parametrize(
    "query",
    [
        {"brand_id": "x"}, {"min_commission": "much"}, {"min_commission": "-1"}, {"status": "gone"},
        {"sortBy": "secret"}, {"cursor": "x"}, {"limit": "101"}, {"region": "DEU"}, {"q": "a\x00b"},
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(key, query):
    answer = get(key, **query)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert next(iter(query)) in answer.json()["details"]


def test_a_key_sees_what_its_lists_allow(organization):
    brand, other = make_brand(organization), make_brand(organization)
    mine = make_offer(organization, brand=brand, name="mine")
    make_offer(organization, brand=brand, name="of the brand")
    foreign = make_offer(organization, brand=other, name="foreign")
    scopes = [Scope.OFFERS_READ]
    by_offer = make_key(organization, scopes=scopes, offer_allowlist=[mine.id])
    by_brand = make_key(organization, scopes=scopes, brand_allowlist=[brand.id])
    assert names(by_offer) == ["mine"]
    assert set(names(by_brand)) == {"mine", "of the brand"}
    for key in (by_offer, by_brand):
        assert get(key, f"/{mine.id}").status_code == 200
        refused = get(key, f"/{foreign.id}")
        assert (refused.status_code, refused.json()["details"]["reason"]) == (403, "offer_not_allowed")


def test_who_may_not_see_the_catalogue(organization, key):
    offer = make_offer(organization)
    for path in ("", f"/{offer.id}"):
        missing = get(make_key(organization, scopes=[Scope.LEADS_READ]), path)
        assert (missing.status_code, missing.json()["details"]["reason"]) == (403, "missing_scope")
        assert Client().get(f"/v1/offers{path}").status_code == 401
    stranger = make_key(make_organization())
    assert names(stranger) == []
    assert get(stranger, f"/{offer.id}").status_code == 404
    assert names(make_key(organization, environment="production")) == []


def test_an_answer_is_kept_and_shared_and_costs_no_sql(organization, key):
    offer = make_offer(organization)
    other = make_key(organization, scopes=[Scope.OFFERS_READ])
    bodies = {get(each, path).content for each in (key, other) for path in ("", f"/{offer.id}")}
    with CaptureQueriesContext(connection) as queries:
        again = {get(each, path).content for each in (key, other) for path in ("", f"/{offer.id}")}
    assert (again, len(bodies), len(queries)) == (bodies, 2, 0)


def test_an_answer_says_how_long_it_holds_and_for_whom(organization, key):
    make_offer(organization)
    answer = get(key)
    assert answer["Cache-Control"] == "private, max-age=300"
    assert "x-partner-api-key" in answer["Vary"]
    assert answer["X-RateLimit-Limit"] == "1000"
    for condition in (answer["ETag"], f'"other", W/{answer["ETag"]}', "*"):
        same = get(key, headers={"If-None-Match": condition})
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", answer["ETag"])
        assert "X-RateLimit-Remaining" in same
        assert "Content-Length" not in same
    assert get(key, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_change_is_in_the_next_answer(organization, key):
    offer = make_offer(organization, name="before", network=make_network(organization))
    assert names(key) == ["before"]
    tag = get(key)["ETag"]
    change(offer, name="after")
    assert names(key) == ["after"]
    assert get(key, headers={"If-None-Match": tag}).status_code == 200
    with tenancy.tenant(organization.id, "sandbox"):
        brand_update(brand_id=offer.brand_id, actor=ACTOR, name="Nordwind")
    assert get(key).json()["data"][0]["brand_name"] == "Nordwind"
    with tenancy.tenant(organization.id, "sandbox"):
        brand = brand_create(organization_id=organization.id, environment="sandbox", actor=ACTOR, name="New")
        offer_create(
            brand_id=brand.id, actor=ACTOR, name="own", commission_type="flat", commission_value=1,
            commission_currency="USD",
        )  # fmt: skip
    assert names(key) == ["own", "after"]
    change(offer, is_hidden=True)
    assert names(key) == ["own"]


def test_a_change_that_is_undone_changes_no_answer(organization, key):
    offer = make_offer(organization, name="before")
    assert names(key) == ["before"]

    with tenancy.tenant(organization.id, "sandbox"):
        offer_update(offer_id=offer.id, actor=ACTOR, name="after")
        assert names_elsewhere(key) == ["before"]
        transaction.set_rollback(True)
    assert names(key) == ["before"]


def names_elsewhere(key):
    """What another connection sees meanwhile."""
    found = []
    thread = threading.Thread(target=lambda: found.extend(names(key)))
    thread.start()
    thread.join()
    return found


def test_an_answer_made_while_a_change_commits_is_not_kept(organization, key):
    offer = make_offer(organization, name="before")
    with tenancy.tenant(organization.id, "sandbox"):
        offer_update(offer_id=offer.id, actor=ACTOR, name="after")
        assert names_elsewhere(key) == ["before"]
    assert names(key) == ["after"]
    assert names_elsewhere(key) == ["after"]


def test_a_store_that_forgot_the_version_is_told_it_again(organization, key):
    offer = make_offer(organization, name="before")
    change(offer, name="between")
    assert names(key) == ["between"]
    store.flushdb()
    assert names(key) == ["between"]
    change(offer, name="after")
    store.flushdb()
    assert names(key) == ["after"]


def test_without_the_store_answers_are_made_anew_and_changes_refused(organization, key, monkeypatch):
    offer = make_offer(organization, name="before")
    assert names(key) == ["before"]

    def gone(*arguments, **options):
        raise versions.redis.ConnectionError("gone")

    monkeypatch.setattr(versions, "value_read", gone)
    assert names(key) == ["before"]
    monkeypatch.undo()
    monkeypatch.setattr(versions.store, "set", gone)
    with pytest.raises(ServiceUnavailable):
        change(offer, name="after")
    monkeypatch.undo()
    assert names(key) == ["before"]


def test_an_offers_dates_pass_without_a_change(organization, key):
    soon = timezone.now() + timedelta(seconds=1.5)
    make_offer(organization, name="ends soon", ends_at=soon)
    make_offer(organization, name="starts soon", starts_at=soon)
    answer = get(key)
    assert [row["name"] for row in json.loads(answer.content)["data"]] == ["ends soon"]
    assert answer["Cache-Control"] in ("private, max-age=0", "private, max-age=1")
    while timezone.now() <= soon:
        pass
    assert names(key) == ["starts soon"]
