"""A site on its own host name: what answers there, what does not, and what search engines read."""

import json
import re
from xml.etree import ElementTree

import pytest
from django.test import Client, override_settings

from catalog.models import Offer
from config import tenancy
from credentials.limits import Limits
from credentials.services.suspension import organization_change_status
from storefronts.services.content import navigation_set, page_save
from storefronts.services.sites import picture_set, site_update
from storefronts.site import middleware
from tests.factories import ACTOR, make_organization
from tests.sites import make_site
from tests.storefronts.test_pictures import png

HUB = override_settings(ALLOWED_HOSTS=["hub.example"], HUB_URL="https://hub.example")


def changed(site, **terms):
    with tenancy.operator():
        return site_update(site_id=site.id, actor=ACTOR, **terms)


def page_of(site, **terms):
    with tenancy.operator():
        return page_save(
            site=site,
            page_id=None,
            actor=ACTOR,
            **{"title": "Terms", "slug": "terms", "body": "Be *kind*."} | terms,
        )


def test_the_home_page_shows_the_shelf_and_leads_to_the_smart_link(visit, deal, site):
    offer, link = deal("Shoes")
    home = visit()
    assert home.status_code == 200
    assert "Shoes" in home.text
    assert f'href="/o/{offer.slug}"' in home.text
    one = visit(f"/o/{offer.slug}")
    assert f'href="/r/{link.code}?sub_id=site-{site.slug}"' in one.text
    assert visit("/c/fashion").status_code == visit("/offers").status_code == 200
    assert visit("/c/nothing").status_code == visit("/o/nothing").status_code == 404


def test_another_tenants_offers_are_not_there(visit, deal):
    deal("Mine")
    elsewhere = make_site(make_organization(), is_published=True)
    answer = visit(host=elsewhere.own_hostname)
    assert answer.status_code == 200
    assert "Mine" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/",
        "/dashboard/sites",
        "/admin/",
        "/admin/login/",
        "/accounts/login/",
        "/docs/api",
        "/sites/ask",
        "/widgets/demo",
        "/readyz",
    ],
)
def test_the_hubs_own_pages_are_not_on_a_sites_host(visit, path):
    answer = visit(path)
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer
    assert "Partner Hub" not in answer.text


@HUB
def test_only_the_hubs_names_and_those_of_sites_are_answered(visit, site):
    client = Client(raise_request_exception=False)
    assert visit().status_code == 200
    assert visit(host=site.own_hostname.upper() + ".:8000").status_code in (200, 301)
    for host in (
        "evil.example",
        "x.sites.test",
        "sites.test",
        "hub.example.evil.example",
        "a b",
        f"x.{site.own_hostname}",
    ):
        for path in ("/", "/dashboard/", "/admin/login/"):
            assert client.get(path, headers={"host": host}).status_code == 400
    assert client.get("/accounts/login/", headers={"host": "hub.example"}).status_code == 200
    forged = {"host": "evil.example", "x-forwarded-host": site.own_hostname}
    assert client.get("/", headers=forged).status_code == 400


def test_a_site_that_is_not_published_or_whose_organization_is_suspended_shows_nothing(visit, site, deal):
    deal("Shoes")
    changed(site, is_published=False)
    answer = visit()
    assert answer.status_code == 404
    assert "Shoes" not in answer.text
    changed(site, is_published=True)
    with tenancy.operator():
        organization_change_status(organization_id=site.organization_id, status="suspended", actor=ACTOR)
    with HUB:
        assert visit().status_code == 400


def test_a_change_shows_at_the_next_request(visit, site, deal):
    offer, _link = deal("Shoes")
    first = visit()
    assert visit(**{"if-none-match": first["ETag"]}).status_code == 304
    with tenancy.operator():
        Offer.objects.filter(id=offer.id).update(is_hidden=True)
    changed(site, tagline="New words")
    again = visit(**{"if-none-match": first["ETag"]})
    assert again.status_code == 200
    assert "New words" in again.text
    assert "Shoes" not in again.text
    _offer, _link = deal("Boots")
    assert "Boots" in visit().text


def test_both_languages_are_read_by_path(visit, site, deal):
    deal()
    english, hebrew = visit("/offers"), visit("/he/offers")
    assert ('lang="en" dir="ltr"' in english.text, 'lang="he" dir="rtl"' in hebrew.text) == (True, True)
    assert "כל ההצעות" in hebrew.text
    assert (english["Content-Language"], hebrew["Content-Language"]) == ("en", "he")
    for answer, own in ((english, "/offers"), (hebrew, "/he/offers")):
        origin = f"http://{site.own_hostname}"
        assert f'<link rel="canonical" href="{origin}{own}">' in answer.text
        assert f'hreflang="he" href="{origin}/he/offers"' in answer.text
        assert f'hreflang="x-default" href="{origin}/offers"' in answer.text
    assert visit("/en/offers")["Location"] == f"http://{site.own_hostname}/offers"
    assert visit("/he")["Location"] == f"http://{site.own_hostname}/he/"
    changed(site, language="he", is_bilingual=False)
    assert 'lang="he"' in visit("/offers").text
    assert visit("/en/offers").status_code == 404


def test_every_page_has_the_strict_policy_and_no_script_of_its_own(visit, deal, site):
    offer, _link = deal("</script><script>alert(1)</script>", description="<img src=x onerror=alert(1)>")
    page_of(site, body='<script>alert(1)</script> [x](javascript:alert(1)) ![y](http://a/b.png) "q"')
    for path in (
        "/",
        "/offers",
        f"/o/{offer.slug}",
        "/p/terms",
        "/search?q=<script>alert(1)</script>",
        "/none",
    ):
        answer = visit(path)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert answer["X-Content-Type-Options"] == "nosniff"
        kinds = re.findall(r"<script([^>]*)>", answer.text)
        assert set(kinds) <= {' type="application/ld+json"'}
        assert "<img src=x" not in answer.text
        assert 'href="javascript:' not in answer.text
        assert " style=" not in answer.text


def test_what_search_engines_read(visit, deal, site):
    offer, _link = deal("Shoes & more", description="Light. " * 60)
    page_of(site)
    with tenancy.operator():
        site.environment = "sandbox"
    one = visit(f"/o/{offer.slug}").text
    graph = json.loads(re.search(r'ld\+json">(.*?)</script>', one, re.DOTALL)[1])["@graph"]
    assert {thing["@type"] for thing in graph} == {"Offer", "BreadcrumbList"}
    assert graph[0]["name"] == "Shoes & more"
    assert re.search(r'<meta property="og:title" content="Shoes &amp; more', one)
    described = re.search(r'<meta name="description" content="([^"]*)"', one)[1]
    assert 50 < len(described) <= 160
    sitemap = ElementTree.fromstring(visit("/sitemap.xml").content)
    places = [node.text for node in sitemap.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    origin = f"http://{site.own_hostname}"
    for path in ("/", "/offers", "/c/fashion", f"/o/{offer.slug}", "/p/terms"):
        assert origin + path in places
        assert f"{origin}/he{path}" in places
    assert 'name="robots" content="noindex"' in visit("/search?q=x").text


def test_sandbox_sites_stay_out_of_search_engines_and_production_sites_come_in(visit, site):
    assert visit("/robots.txt").text == "User-agent: *\nDisallow: /\n"
    assert 'name="robots" content="noindex"' in visit().text
    live = make_site(make_organization(), environment="production", is_published=True)
    robots = visit("/robots.txt", host=live.own_hostname).text
    assert f"Sitemap: http://{live.own_hostname}/sitemap.xml" in robots
    assert 'content="noindex"' not in visit(host=live.own_hostname).text


def test_navigation_and_pages_are_the_tenants_own(visit, site, deal):
    deal(category="Sport")
    page = page_of(site, title_he="תנאים", body_he="היו *נחמדים*.")
    items = [
        {"kind": "category", "label": "Sports", "label_he": "ספורט", "category": "sport"},
        {"kind": "page", "label": "Terms", "page_id": page.id},
        {"kind": "address", "label": "Blog", "url": "https://blog.example/"},
    ]
    with tenancy.operator():
        navigation_set(site=site, items=items, actor=ACTOR)
    home, hebrew = visit().text, visit("/he/").text
    assert '<a href="/c/sport">Sports</a>' in home
    assert '<a href="https://blog.example/" rel="noopener">Blog</a>' in home
    assert '<a href="/he/c/sport">ספורט</a>' in hebrew
    assert "<em>kind</em>" in visit("/p/terms").text
    assert "<em>נחמדים</em>" in visit("/he/p/terms").text


def test_long_lists_have_pages_with_addresses_of_their_own(visit, deal, monkeypatch):
    monkeypatch.setattr("storefronts.site.views.PAGE_SIZE", 2)
    for number in range(3):
        deal(f"Deal {number}")
    first, second = visit("/offers").text, visit("/offers?page=2").text
    assert ("Deal 2" in first, "Deal 0" in first) == (True, False)
    assert "Deal 0" in second
    assert '/offers?page=2">' in re.search(r'<link rel="canonical"[^>]*>', second)[0]
    assert visit("/offers?page=9999999999999999").status_code == 200


def test_pictures_are_served_for_good_and_used(visit, site):
    assert visit("/favicon.ico")["Content-Type"] == "image/svg+xml"
    with tenancy.operator():
        picture_set(site=site, kind="logo", content=png(300, 100), actor=ACTOR)
        picture_set(site=site, kind="icon", content=png(400, 400), actor=ACTOR)
    home = visit().text
    address = re.search(r'<img src="(/picture/logo\.png\?v=\d+)"', home)[1]
    logo = visit(address)
    assert (logo["Content-Type"], logo.content[:4]) == ("image/png", b"\x89PNG")
    assert "immutable" in logo["Cache-Control"]
    assert visit("/favicon.ico")["Content-Type"] == "image/png"


def test_what_writes_is_refused_and_head_has_no_body(visit):
    assert visit(method="post").status_code == 405
    answer = visit(method="head")
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_address_that_asks_too_fast_waits(visit, monkeypatch):
    monkeypatch.setattr(middleware, "VISITOR_LIMITS", Limits(per_minute=2, burst=2))
    assert [visit().status_code for _ in range(3)] == [200, 200, 429]


@override_settings(SECURE_SSL_REDIRECT=True)
def test_plain_http_leads_to_https_in_production(visit, site):
    assert visit("/offers?page=2")["Location"] == f"https://{site.own_hostname}/offers?page=2"
