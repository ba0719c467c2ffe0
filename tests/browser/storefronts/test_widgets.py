"""Widgets in a page of another origin, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.quality import axe_violations, page_facts
from tests.browser.storefronts.conftest import DEALS, elements, key_for


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
    # while it loads there is nothing in it to stop at
    expect(page.locator("deal-card a.go")).to_be_visible()
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
