"""A white-label site on its own host name, and its pages in the dashboard, in a real browser."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from config import tenancy
from storefronts.models import PublishableKey, Site, SiteDomain
from tests.browser.quality import assert_good_page, axe_violations
from tests.browser.sessions import sign_in
from tests.browser.storefronts.conftest import furnish, site_of


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("he", "dark")])
def test_a_site_on_its_own_name_is_good_in_both_languages(open_tab, hub, tenant, look, language, scheme):
    furnish(site_of(tenant))
    home = f"http://acme.sites.test:{urlsplit(hub).port}"
    prefix = "" if language == "en" else "/he"
    page = open_tab(color_scheme=scheme)
    for name, path in (
        ("home", "/"),
        ("category", "/c/sport"),
        ("page", "/p/terms"),
        ("search", "/search?q=lin"),
    ):
        page.goto(home + prefix + path)
        page.wait_for_function("[...document.images].every((one) => one.complete || one.loading === 'lazy')")
        look(page, f"site-{language}-{name}")
        if name == "search":
            expect(page.locator(".card")).to_have_count(1)
            assert axe_violations(page) == []
        else:
            assert_good_page(page, language=language)
    page.goto(home + prefix + "/")
    page.locator(".card").first.get_by_role("link").click()
    page.wait_for_url("**/o/**")
    look(page, f"site-{language}-offer")
    assert_good_page(page, language=language)
    page.set_viewport_size({"width": 375, "height": 812})
    look(page, f"site-{language}-offer-narrow")
    assert_good_page(page, language=language)
    page.goto(home + prefix + "/")
    look(page, f"site-{language}-home-narrow")
    assert_good_page(page, language=language)
    page.locator(".menu summary").click()
    expect(page.locator(".menu-sheet")).to_be_visible()
    look(page, f"site-{language}-menu")
    assert axe_violations(page) == []


def test_a_visitor_changes_the_language_searches_and_leaves_by_the_smart_link(open_tab, hub, tenant):
    furnish(site_of(tenant))
    page = open_tab()
    page.goto(f"http://acme.sites.test:{urlsplit(hub).port}/c/sport")
    page.locator(".foot").get_by_role("link", name="עברית").click()
    page.wait_for_url("**/he/c/sport")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.locator(".head").get_by_role("searchbox").fill("headph")
    page.keyboard.press("Enter")
    page.wait_for_url("**/he/search?q=headph")
    page.get_by_role("link", name="Noise-cancelling headphones").click()
    asked = []
    page.context.route("**/r/**", lambda route: (asked.append(route.request.url), route.fulfill(body="shop")))
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="למימוש ההצעה").click()
    opened.value.wait_for_load_state()
    assert len(asked) == 1
    assert "/r/" in asked[0]
    assert asked[0].endswith("?sub_id=site-acme")


def test_an_owner_makes_a_site_sees_it_as_it_is_typed_and_connects_a_domain(
    open_tab, owner, tenant, hub, look
):
    page = open_tab(viewport={"width": 1440, "height": 900})
    sign_in(page, owner)
    page.goto("/dashboard/")
    page.get_by_role("link", name="Sites", exact=True).click()
    page.get_by_role("link", name="New site").first.click()
    page.get_by_label("Name", exact=True).fill("Acme Deals")
    page.get_by_label("Short name").fill("acme")
    page.get_by_role("button", name="Make the site").click()
    preview = page.frame_locator("[data-preview-frame]")
    expect(preview.locator("h1")).to_have_text("Acme Deals")
    page.locator("#id_tagline").fill("Good things, and money back")
    expect(preview.locator("h1")).to_have_text("Good things, and money back")
    page.get_by_label("Colour").fill("#be123c")
    expect(preview.locator(".mark-sign")).to_have_css("background-color", "rgb(190, 18, 60)")
    page.locator("#id_tagline_he").fill("דברים טובים, וכסף בחזרה")
    page.get_by_label("Published").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. The site shows it at once.").wait_for()
    expect(preview.locator(".card")).to_have_count(6)
    look(page, "dashboard-site")
    with tenancy.operator():
        site = Site.objects.get(slug="acme")
        assert (site.brand_hex, site.is_published) == ("#be123c", True)
    page.get_by_role("link", name="Navigation").click()
    page.get_by_label("Label", exact=True).first.fill("Sport")
    page.get_by_label("Leads to").first.select_option("category:Sport")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. The site shows it at once.").wait_for()
    look(page, "dashboard-site-navigation")
    page.get_by_role("link", name="Domains").click()
    page.get_by_label("Domain").fill("Deals.Acme.Example")
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("Not verified").wait_for()
    look(page, "dashboard-site-domains")
    with tenancy.operator():
        assert SiteDomain.objects.get().hostname == "deals.acme.example"
    visitor = open_tab()
    visitor.goto(f"http://acme.sites.test:{urlsplit(hub).port}/")
    expect(visitor.locator("h1")).to_have_text("Good things, and money back")
    expect(visitor.locator(".nav a")).to_have_text(["All deals", "Sport"])


def test_an_owner_issues_a_publishable_key_and_revokes_it(open_tab, owner, tenant, look):
    page = open_tab(viewport={"width": 1440, "height": 900})
    sign_in(page, owner)
    page.goto("/dashboard/")
    page.get_by_role("link", name="Widgets", exact=True).click()
    page.get_by_role("link", name="New publishable key").first.click()
    page.get_by_label("Partner").select_option(label="Acme Deals (Sandbox)")
    page.get_by_label("Name").fill("Our shop")
    page.get_by_label("Origins").fill("shop.example")
    page.get_by_role("button", name="Issue the key").click()
    page.get_by_text("Write an origin like https://shop.example.com").wait_for()
    page.get_by_label("Origins").fill("https://Shop.example/")
    page.get_by_role("button", name="Issue the key").click()
    page.get_by_text("Paste this into your page").wait_for()
    look(page, "dashboard-widget")
    with tenancy.operator():
        key = PublishableKey.objects.get()
        assert key.origins == ["https://shop.example"]
    assert key.key in page.locator("#snippet").inner_text()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="See it").click()
    demo = opened.value
    expect(demo.locator("offer-grid .card[part]")).to_have_count(6)
    look(demo, "widgets-demo")
    assert axe_violations(demo) == []
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke it").click()
    page.get_by_text("The key is revoked.").wait_for()
    address = demo.url
    fresh = open_tab()
    fresh.goto(address)
    expect(fresh.locator("offer-grid [role=alert]")).to_be_visible()
