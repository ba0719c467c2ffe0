"""Domains: claimed by anybody, served for the one who verifies them, asked for by the TLS proxy."""

import pytest
from django.test import Client, override_settings

from config import tenancy
from config.outbound.sync import fetch
from partners.models import AuditEntry
from storefronts import hosts
from storefronts.exceptions import HostnameRefused, HostnameTaken, NotVerified
from storefronts.models import SiteDomain
from storefronts.services import domains
from storefronts.services.domains import (
    WELL_KNOWN,
    domain_add,
    domain_check,
    domain_make_primary,
    domain_remove,
    domain_vouch,
    hostname_checked,
)
from tests.factories import ACTOR, make_organization
from tests.sites import make_site

HUB = override_settings(ALLOWED_HOSTS=["hub.example"], HUB_URL="https://hub.example")
NAME = "deals.acme.example"


def claimed(site, name=NAME):
    with tenancy.operator():
        return domain_add(site=site, hostname=name, actor=ACTOR)


def act(service, domain):
    with tenancy.operator():
        return service(domain_id=domain.id, actor=ACTOR)


@pytest.fixture
def at_the_domain(monkeypatch, httpserver):
    """What the domain's own web server answers, reached by the real outbound client."""

    def elsewhere(url, **options):
        assert url.split("://")[1] == NAME + WELL_KNOWN
        return fetch(httpserver.url_for(WELL_KNOWN), **options)

    monkeypatch.setattr(domains, "fetch", elsewhere)
    return lambda text, status=200: httpserver.expect_request(WELL_KNOWN).respond_with_data(
        text, status=status
    )


def ask(name):
    return Client().get("/sites/ask", {"domain": name}, headers={"host": "hub.example"}).status_code


@HUB
def test_a_domain_is_served_once_its_token_is_found(site, visit, at_the_domain):
    domain = claimed(site)
    assert (visit(host=NAME).status_code, ask(NAME)) == (400, 404)
    at_the_domain(f"{domain.token}\n")
    assert act(domain_check, domain).verified_by == "http"
    hosts._unknown.clear()
    assert (visit(host=NAME).status_code, ask(NAME)) == (200, 200)
    moved = visit("/offers?page=2")
    assert (moved.status_code, moved["Location"]) == (301, f"http://{NAME}/offers?page=2")
    act(domain_remove, domain)
    assert (visit(host=NAME).status_code, ask(NAME)) == (400, 404)
    with tenancy.operator():
        acts = AuditEntry.objects.filter(action__startswith="site.domain").values_list("action", flat=True)
        assert set(acts) == {"site.domain_add", "site.domain_verify", "site.domain_remove"}


@pytest.mark.parametrize(("text", "status"), [("another token", 200), ("", 404)])
def test_without_the_token_a_domain_stays_unverified_and_says_why(site, at_the_domain, text, status):
    domain = claimed(site)
    at_the_domain(text, status)
    with tenancy.operator():
        with pytest.raises(NotVerified):
            domain_check(domain_id=domain.id, actor=ACTOR)
        row = SiteDomain.objects.get()
        assert row.verified_at is None
        assert str(status) in row.check_error


def test_several_may_claim_a_domain_and_one_may_have_it(site):
    other = make_site(make_organization())
    mine, theirs = claimed(site), claimed(other)
    assert mine.token != theirs.token
    act(domain_vouch, mine)
    with pytest.raises(HostnameTaken):
        act(domain_vouch, theirs)
    with tenancy.operator():
        assert [row.site_id for row in SiteDomain.objects.verified()] == [site.id]
    assert claimed(site).id == mine.id


def test_one_name_is_the_main_one(site, visit):
    first, second = claimed(site), claimed(site, "www.acme.example")
    with pytest.raises(NotVerified):
        act(domain_make_primary, second)
    act(domain_vouch, first)
    act(domain_vouch, second)
    assert visit(host="www.acme.example")["Location"] == f"http://{NAME}/"
    act(domain_make_primary, second)
    assert visit(host=NAME)["Location"] == "http://www.acme.example/"
    assert '<link rel="canonical" href="http://www.acme.example/">' in visit(host="www.acme.example").text


@HUB
@pytest.mark.parametrize(
    "name",
    [
        "hub.example",
        "sites.test",
        "x.sites.test",
        "localhost",
        "127.0.0.1",
        "1.2.3",
        "[::1]",
        "a..b",
        "-a.example",
        "a.example/x",
        "a b.example",
        "x" * 64 + ".example",
        "*.acme.example",
        "",
    ],
)
def test_what_is_no_public_name_of_the_tenants_is_refused(site, name):
    with pytest.raises(HostnameRefused):
        claimed(site, name)
    with tenancy.operator():
        assert not SiteDomain.objects.exists()


def test_names_are_kept_as_dns_has_them():
    assert hostname_checked(" Deals.ACME.example. ") == "deals.acme.example"
    assert hostname_checked("חנות.example") == "xn--9dbd1a4b.example"


@HUB
def test_the_proxy_gets_a_certificate_for_known_names_alone(site):
    assert ask("hub.example") == ask(site.own_hostname) == 200
    for name in ("evil.example", "x.sites.test", "", "sites.test", "x" * 300):
        assert ask(name) == 404
