"""The catalogue in the dashboard, within a person's reach."""

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import AffiliateNetwork, Brand, CatalogSync, Offer
from catalog.services.networks import network_adapter, network_postback_secret
from config import tenancy
from jobs.models import Job
from partners.models import AuditEntry
from tests.factories import make_organization
from tests.offers import make_brand, make_network, make_offer, make_run
from tests.pages.test_content_policy import check
from tests.people import browser, make_member

OFFER = {
    "environment": "sandbox", "name": "Own offer", "category": "Home", "description": "One\r\ntwo",
    "commission_type": "flat", "commission": "12.50", "commission_currency": "eur", "default_share": "33.33",
    "status": "active", "regions": "de, IL", "image_urls": "https://cdn.example/1.png",
    "tracking_url": "https://shop.example/?c={click_id}", "ends_at": "2030-01-31T10:00",
    "daily_conversion_cap": "5", "total_revenue_cap": "1000",
}  # fmt: skip
NETWORK = {
    "environment": "sandbox", "name": "Trackier", "slug": "trackier", "adapter": "trackier",
    "base_url": "https://api.trackier.example", "publisher_id": "77", "currency": "usd",
    "link_template": "https://go.example/click?campaign_id={offer_id}&p1={click_id}", "default_share": "60",
    "sync_every_minutes": "30", "is_enabled": "on", "credential_api_key": "the-very-secret-key",
    "postback_secret": "hook-secret", "postback_ip_allowlist": "192.0.2.7\n198.51.100.0/24",
}  # fmt: skip


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


def one(model):
    with tenancy.operator():
        return model.objects.get()


def pages(offer, sync):
    names = ("dashboard-offers", "dashboard-brands", "dashboard-networks")
    return [
        *map(reverse, names),
        reverse("dashboard-offer", args=[offer.id]),
        reverse("dashboard-network", args=[sync.network_id]),
        reverse("dashboard-sync", args=[sync.id]),
    ]


def test_every_page_renders_for_who_may_see_it_and_for_nobody_else(organization, manager, admin_client):
    sync = make_run(organization)
    offer = make_offer(organization, name="<b>Bold</b>")
    member = browser(make_member("member", organization))
    stranger = browser(make_member("owner", make_organization()))
    for url in pages(offer, sync):
        for person in (manager, member, admin_client):
            answer = person.get(url)
            assert answer.status_code == 200, url
            check(answer.content.decode())
            assert b"<b>Bold</b>" not in answer.content
            assert b"<b>Odd</b>" not in answer.content
        there = stranger.get(url)
        assert there.status_code == 404 or b"Bold" not in there.content
        assert Client().get(url).status_code == 302
    for url in (
        reverse("dashboard-offer-edit", args=[offer.id]),
        reverse("dashboard-brand", args=[offer.brand_id]),
        reverse("dashboard-network-edit", args=[sync.network_id]),
    ):
        check(manager.get(url).content.decode())
        assert member.get(url).status_code == 403
        assert stranger.get(url).status_code == 404


def test_empty_pages_say_what_to_do(manager):
    for name in ("dashboard-offers", "dashboard-brands", "dashboard-networks"):
        html = manager.get(reverse(name)).content.decode()
        check(html)
        assert "yet" in html
    assert "No offer matches" in manager.get(reverse("dashboard-offers"), {"q": "x"}).content.decode()
    for name in ("dashboard-offer-new", "dashboard-brand-new", "dashboard-network-new"):
        check(manager.get(reverse(name)).content.decode())


def test_an_own_offer_is_made_changed_and_listed(organization, manager):
    brand = {"environment": "sandbox", "name": "Own brand", "status": "active"}
    assert manager.post(reverse("dashboard-brand-new"), brand).status_code == 302
    made = manager.post(reverse("dashboard-offer-new"), OFFER | {"brand": one(Brand).id})
    assert made.status_code == 302, made.content.decode()
    offer = one(Offer)
    assert (offer.commission_value, offer.commission_currency, offer.default_share) == (1250, "EUR", 3333)
    assert (offer.regions, offer.description, offer.slug) == (["DE", "IL"], "One\ntwo", "own-offer")
    assert (offer.daily_conversion_cap, offer.total_revenue_cap_minor) == (5, 100_000)
    edit = reverse("dashboard-offer-edit", args=[offer.id])
    percentage = {"commission_type": "percentage", "commission": "7.5", "is_hidden": "on"}
    assert manager.post(edit, OFFER | percentage).status_code == 302
    offer = one(Offer)
    assert (offer.commission_type, offer.commission_value, offer.is_hidden) == ("percentage", 750, True)
    assert offer.overridden_fields == []
    listed = manager.get(reverse("dashboard-offers"), {"status": "hidden", "q": "own", "category": "home"})
    assert [row.name for row, _ in listed.context["rows"]] == ["Own offer"]
    with tenancy.operator():
        actions = AuditEntry.objects.filter(action__startswith="offer.").order_by("sequence")
        assert list(actions.values_list("action", flat=True)) == ["offer.create", "offer.update"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("commission", "101"), ("name", ""), ("regions", "Germany"), ("image_urls", "javascript:alert(1)"),
        ("tracking_url", "javascript:alert(1)"), ("starts_at", "2031-01-01T00:00"), ("default_share", "101"),
    ],
)  # fmt: skip
def test_an_offer_that_makes_no_sense_is_refused(organization, manager, field, wrong):
    brand = make_brand(organization)
    form = OFFER | {"brand": brand.id, "commission_type": "percentage"} | {field: wrong}
    answer = manager.post(reverse("dashboard-offer-new"), form)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() & {field, "ends_at"}
    with tenancy.operator():
        assert not Offer.objects.exists()


def test_an_offer_takes_no_brand_of_another_world(organization, manager):
    for brand in (make_brand(make_organization()), make_brand(organization, environment="production")):
        answer = manager.post(reverse("dashboard-offer-new"), OFFER | {"brand": brand.id})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["brand"])


def test_a_networks_offer_is_overridden_and_given_back(organization, manager):
    said = {"name": "Theirs", "status": "active"}
    offer = make_offer(
        organization, network=make_network(organization), name="Theirs", network_values=said, category="Home"
    )
    edit = reverse("dashboard-offer-edit", args=[offer.id])
    form = {
        "name": "Ours", "category": "Home", "commission_type": "percentage", "commission": "10",
        "commission_currency": "USD", "default_share": "50", "status": "active",
    }  # fmt: skip
    assert manager.post(edit, form).status_code == 302
    assert (one(Offer).name, one(Offer).overridden_fields) == ("Ours", ["name"])
    shown = manager.get(reverse("dashboard-offer", args=[offer.id])).content.decode()
    assert "Theirs" in shown
    assert manager.post(edit, form | {"restore": ["name"]}).status_code == 302
    assert (one(Offer).name, one(Offer).overridden_fields) == ("Theirs", [])


def test_a_networks_secrets_are_sealed_and_never_shown(organization, manager):
    made = manager.post(reverse("dashboard-network-new"), NETWORK)
    assert made.status_code == 302, made.content.decode()
    network = one(AffiliateNetwork)
    assert b"secret" not in bytes(network.credentials_sealed) + bytes(network.postback_secret_sealed)
    assert network_adapter(network)._access.credentials == {"api_key": "the-very-secret-key"}
    assert network_postback_secret(network) == "hook-secret"
    assert (network.default_share, network.postback_ip_allowlist[1]) == (6000, "198.51.100.0/24")
    edit = reverse("dashboard-network-edit", args=[network.id])
    for url in (made["Location"], edit):
        assert b"secret-key" not in manager.get(url).content
        assert b"hook-secret" not in manager.get(url).content
    kept = {**NETWORK, "credential_api_key": "", "postback_secret": "", "name": "Renamed"}
    assert manager.post(edit, kept).status_code == 302
    network = one(AffiliateNetwork)
    assert (network.name, network_postback_secret(network)) == ("Renamed", "hook-secret")
    assert network_adapter(network)._access.credentials == {"api_key": "the-very-secret-key"}
    with tenancy.operator():
        told = str(list(AuditEntry.objects.values_list("before", "after")))
    assert "secret-key" not in told
    assert "hook-secret" not in told


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("slug", "no good"), ("base_url", "ftp://x"), ("postback_ip_allowlist", "nonsense"),
        ("credential_api_key", ""), ("default_share", "101"), ("link_template", "javascript:x"),
    ],
)  # fmt: skip
def test_a_network_that_makes_no_sense_is_refused(manager, field, wrong):
    answer = manager.post(reverse("dashboard-network-new"), NETWORK | {field: wrong})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    with tenancy.operator():
        assert not AffiliateNetwork.objects.exists()


def test_a_connection_is_tested(network, trackier, manager):
    test = reverse("dashboard-network-test", args=[network.id])
    assert "Connected, as Demo Publisher" in manager.post(test, follow=True).content.decode()
    trackier.key = "another"
    assert "cross verify the API Key" in manager.post(test, follow=True).content.decode()
    trackier.outage = True
    assert "(network_down)" in manager.post(test, follow=True).content.decode()
    assert browser(make_member("owner", make_organization())).post(test).status_code == 404


def test_a_run_is_started_once_shown_and_stopped(organization, network, manager):
    start = reverse("dashboard-network-sync", args=[network.id])
    shown = manager.post(start)
    assert shown.status_code == 302
    assert "Waiting for a worker" in manager.get(shown["Location"]).content.decode()
    assert "being read already" in manager.post(start, follow=True).content.decode()
    member = browser(make_member("member", organization))
    assert (member.post(start).status_code, one(Job).status) == (403, "queued")
    assert manager.post(f"{shown['Location']}/stop").status_code == 302
    assert (one(CatalogSync).status, one(Job).status) == ("canceled", "canceled")
