"""Widgets in a page of another origin, and a white-label site on its own host name, in a real browser.

Set HUB_LOOK to a folder to keep screenshots of everything there.
"""

import io
import os
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect
from werkzeug import Response

from config import tenancy
from partners.models import Membership
from partners.services.organizations import member_add
from storefronts.models import PublishableKey, Site, SiteDomain
from storefronts.services.content import navigation_set, page_save
from tests.browser.quality import WATCH, assert_good_page, axe_violations, page_facts
from tests.browser.test_keys import sign_in
from tests.factories import ACTOR, make_client, make_organization, make_user
from tests.sites import make_deal, make_publishable_key, make_site

# other work may share the machine
expect.set_options(timeout=20_000)

DEALS = (
    (
        "Trail running shoes",
        "Stride",
        "Sport",
        (222, 92, 60),
        "Light shoes for long mountain days, with a sole that holds on wet rock.",
    ),
    (
        "A week of coffee",
        "Northroast",
        "Food",
        (94, 62, 42),
        "Seven small bags, each from another farm, roasted on the day they leave.",
    ),
    (
        "Noise-cancelling headphones",
        "Aurel",
        "Electronics",
        (52, 70, 120),
        "Thirty hours of quiet. They fold into a case that fits a coat's pocket.",
    ),
    (
        "Linen bedding",
        "Hearth & Fold",
        "Home",
        (170, 152, 128),
        "Stone-washed linen that gets softer every year, in nine plain colours.",
    ),
    (
        "City bike",
        "Velora",
        "Sport",
        (38, 120, 96),
        "Eight gears, a belt instead of a chain, and lights that never need a battery.",
    ),
    (
        "נעלי הליכה לכל יום",
        "שביל",
        "Sport",
        (120, 80, 150),
        "נעליים קלות ונוחות, לעיר ולשטח, עם משלוח חינם עד הבית.",
    ),
)


def picture_of(colour):
    """A picture such as offers have."""
    picture = Image.new("RGB", (960, 540), colour)
    draw = ImageDraw.Draw(picture)
    for step in range(9):
        shade = tuple(min(255, part + 9 * step) for part in colour)
        draw.ellipse((520 - 60 * step, 80 + 24 * step, 1000 - 40 * step, 620 - 12 * step), fill=shade)
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=85)
    return kept.getvalue()


@pytest.fixture
def look():
    def take(page, name):
        if os.environ.get("HUB_LOOK"):
            page.screenshot(path=f"{os.environ['HUB_LOOK']}/{name}.png", full_page=True)

    return take


@pytest.fixture
def open_tab(browser, hub):
    """Tabs in which no script may fail and nothing may break a content policy."""
    problems, contexts = [], []

    def open_(**options):
        context = browser.new_context(base_url=hub, **{"viewport": {"width": 1280, "height": 900}} | options)
        context.add_init_script(WATCH)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        return page

    yield open_
    for context in contexts:
        context.close()
    # refusals are asked for, an aborted request too; a preview's frame runs not even the tests' own script
    expected = ("status of 4", "net::ERR_FAILED", "about:srcdoc")
    assert [problem for problem in problems if not any(one in problem for one in expected)] == []


@pytest.fixture
def tenant(httpserver):
    """A partner with six deals, their pictures on a host of their brands."""
    organization = make_organization(name="Acme")
    client = make_client(organization, name="Acme Deals")
    client.organization = organization
    for number, (name, brand, category, colour, text) in enumerate(DEALS):
        httpserver.expect_request(f"/{number}.jpg").respond_with_data(
            picture_of(colour), content_type="image/jpeg"
        )
        make_deal(
            client,
            name,
            brand=brand,
            category=category,
            description=text,
            image_urls=[f"http://pictures.test:{httpserver.port}/{number}.jpg"],
            commission_value=500 + 150 * number,
        )
    return client


@pytest.fixture
def embed(httpserver, hub):
    """Serves somebody's page on http://shop.test with a strict policy; answers its address."""

    def serve(body, *, language="en", path="/"):
        policy = (
            f"default-src 'none'; script-src {hub}; connect-src {hub}; img-src data: http://pictures.test:*;"
            " style-src 'self'; base-uri 'none'; require-trusted-types-for 'script'"
        )
        scripts = "".join(
            f'<script src="{hub}/widgets/{name}.js" defer crossorigin></script>'
            for name in ("offer-grid", "deal-card")
        )
        direction = "rtl" if language == "he" else "ltr"
        html = (
            f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>A shop of somebody</title>'
            '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
            f'<link rel="stylesheet" href="/shop.css">{scripts}</head><body><main><h1>Shop</h1>{body}</main>'
            "</body></html>"
        )
        httpserver.expect_request("/shop.css").respond_with_data(
            ":root { color-scheme: light dark } body { font-family: system-ui; margin: 2rem }"
            " main { max-width: 60rem; margin-inline: auto; display: grid; gap: 1.5rem }"
            " main > * { min-width: 0 } deal-card:not(:defined) { display: block; min-height: 13.5rem }",
            content_type="text/css",
        )
        headers = {"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8"}
        httpserver.expect_request(path).respond_with_handler(lambda _request: Response(html, headers=headers))
        return f"http://shop.test:{httpserver.port}{path}"

    return serve


def key_for(client, httpserver):
    return make_publishable_key(client, f"http://shop.test:{httpserver.port}")


def elements(key, **more):
    given = {"tenant_id": key.organization_id, "publishable_key": key.key, "limit": 6} | more
    said = " ".join(f'{name}="{value}"' for name, value in given.items())
    return f"<deal-card {said}></deal-card><offer-grid {said}></offer-grid>"


@pytest.mark.parametrize("language", ["en", "he"])
def test_both_widgets_live_in_a_strict_page_of_another_origin(
    open_tab, embed, tenant, httpserver, hub, look, language
):
    key = key_for(tenant, httpserver)
    address = embed(elements(key, theme_hex="#ffd400" if language == "he" else "#0f766e"), language=language)
    page = open_tab(viewport={"width": 1280, "height": 1400})
    page.goto(address)
    cards = page.locator("offer-grid .card[part]")
    expect(cards).to_have_count(6)
    expect(page.locator("deal-card .name")).to_have_text(DEALS[-1][0])
    page.wait_for_function(
        "() => { const { shadowRoot } = document.querySelector('offer-grid');"
        " return [...shadowRoot.querySelectorAll('img')].every((one) => one.complete); }"
    )
    look(page, f"widgets-{language}")
    assert axe_violations(page) == []
    facts = page_facts(page)
    assert facts["shift"] < 0.02, facts["moved"]
    button = cards.first.locator(".go")
    assert button.get_attribute("href").split("/r/")[0].startswith("http://127.0.0.1")
    assert "/r/" in button.get_attribute("href")
    wording = "למימוש ההצעה" if language == "he" else "Get the deal"
    assert wording in button.inner_text()
    ground, shown = button.evaluate(
        "(node) => [node.getBoundingClientRect().left, node.closest('.card').getBoundingClientRect().left]"
    )
    assert ground >= shown
    page.emulate_media(color_scheme="dark")
    look(page, f"widgets-{language}-dark")
    assert axe_violations(page) == []
    page.set_viewport_size({"width": 360, "height": 800})
    look(page, f"widgets-{language}-narrow")
    assert page_facts(page)["overflow"] <= 0
    assert axe_violations(page) == []


def test_a_widget_tells_its_page_what_happens_and_works_by_keyboard(open_tab, embed, tenant, httpserver):
    page = open_tab()
    page.add_init_script(
        """window.said = [];
        for (const type of ["hub-loaded", "hub-error", "hub-offer-click"])
          addEventListener(type, (event) => {
            window.said.push([type, event.detail]);
            if (type === "hub-offer-click") event.preventDefault();
          });"""
    )
    page.goto(embed(elements(key_for(tenant, httpserver))))
    expect(page.locator("offer-grid .card[part]")).to_have_count(6)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    focused = "document.querySelector('offer-grid').shadowRoot.activeElement?.className"
    assert page.evaluate(focused) == "go"
    outline = page.evaluate(
        "getComputedStyle(document.querySelector('offer-grid').shadowRoot.querySelector('.card')).outlineStyle"
    )
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_function("window.said.some(([type]) => type === 'hub-offer-click')")
    said = dict(page.evaluate("window.said"))
    assert said["hub-loaded"]["count"] in (1, 6)
    assert said["hub-offer-click"]["name"] == DEALS[-1][0]
    assert len(page.context.pages) == 1  # the page took the click over
    page.locator("offer-grid").evaluate("(node) => { node.category = 'Home'; node.limit = 3; }")
    expect(page.locator("offer-grid .card[part]")).to_have_count(1)
    page.locator("offer-grid").evaluate("(node) => { node.category = 'Nothing'; }")
    expect(page.locator("offer-grid .notice")).to_have_text("No offers right now.")


def test_a_click_leaves_for_the_smart_link(open_tab, embed, tenant, httpserver):
    page = open_tab()
    page.goto(embed(elements(key_for(tenant, httpserver))))
    link = page.locator("deal-card a.go")
    expect(link).to_be_visible()
    href = link.get_attribute("href")
    asked = []
    page.context.route("**/r/**", lambda route: (asked.append(route.request.url), route.fulfill(body="shop")))
    with page.context.expect_page() as opened:
        link.click()
    opened.value.wait_for_load_state()
    assert asked == [href]
    assert "sub_id=widget-" in href
    assert opened.value.evaluate("window.opener") is None


def test_a_widget_says_when_it_cannot_load_and_tries_again(open_tab, embed, tenant, httpserver, look):
    key = key_for(tenant, httpserver)
    page = open_tab()
    page.goto(embed(elements(key)))
    expect(page.locator("offer-grid .card[part]")).to_have_count(6)
    page.context.route("**/v1/widgets/**", lambda route: route.abort())
    page.locator("offer-grid").evaluate("(node) => node.reload()")
    alert = page.locator("offer-grid [role=alert]")
    expect(alert).to_contain_text("The offers could not be loaded.")
    look(page, "widgets-error")
    assert axe_violations(page) == []
    page.context.unroute("**/v1/widgets/**")
    alert.get_by_role("button", name="Try again").click()
    expect(page.locator("offer-grid .card[part]")).to_have_count(6)


def test_what_an_offer_says_is_text_and_only_web_addresses_are_followed(open_tab, embed, tenant, httpserver):
    page = open_tab()
    hostile = {
        "offer_id": "1",
        "name": "<img src=x onerror=alert(1)>",
        "brand_name": "</p><script>alert(1)</script>",
        "description": "<b>bold</b>",
        "category": "",
        "image_url": "javascript:alert(1)",
        "reward": {"type": "flat", "value": 500, "currency": "nonsense"},
        "click_url": "javascript:alert(1)",
    }
    bad, good = hostile, hostile | {"click_url": "https://shop.example/"}
    cors = {"Access-Control-Allow-Origin": "*"}
    page.context.route(
        "**/v1/widgets/offers?*", lambda route: route.fulfill(json={"data": [bad, good]}, headers=cors)
    )
    page.goto(embed(elements(key_for(tenant, httpserver))))
    expect(page.locator("offer-grid .card[part]")).to_have_count(1)
    assert page.locator("offer-grid .name").inner_text() == hostile["name"]
    assert page.locator("offer-grid img, offer-grid script, offer-grid b").count() == 0
    assert page.locator("offer-grid .go").get_attribute("href") == "https://shop.example/"


def site_of(client, **terms):
    return make_site(
        client.organization,
        **{
            "slug": "acme",
            "name": "Acme Deals",
            "tagline": "Good things, and money back",
            "tagline_he": "דברים טובים, וכסף בחזרה",
            "description": "Shops we like, with a part of every purchase returned to you.",
            "description_he": "חנויות שאנחנו אוהבים, וחלק מכל קנייה חוזר אליך.",
            "brand_hex": "#0f766e",
            "contact_email": "hello@acme.example",
            "is_published": True,
        }
        | terms,
    )


def furnish(site):
    with tenancy.operator():
        terms = page_save(
            site=site,
            page_id=None,
            actor=ACTOR,
            title="Terms",
            title_he="תנאי שימוש",
            slug="terms",
            body="## Who we are\n\nWe are **Acme**. Write to [us](https://acme.example).\n\n- One\n- Two",
            body_he="## מי אנחנו\n\nאנחנו **אקמי**.\n\n- אחת\n- שתיים",
            in_footer=True,
        )
        navigation_set(
            site=site,
            actor=ACTOR,
            items=[
                {"kind": "category", "label": "Sport", "label_he": "ספורט", "category": "Sport"},
                {"kind": "page", "label": "Terms", "label_he": "תנאים", "page_id": terms.id},
            ],
        )


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


@pytest.fixture
def owner(tenant):
    person = make_user()
    member_add(organization=tenant.organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    return person


def test_an_owner_makes_a_site_sees_it_as_it_is_typed_and_connects_a_domain(
    open_tab, owner, tenant, hub, look
):
    page = open_tab(viewport={"width": 1440, "height": 900})
    sign_in(page, owner)
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
