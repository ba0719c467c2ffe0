"""An owner tries webhooks in a browser, with a request bin for a receiver."""

import re
from concurrent.futures import ThreadPoolExecutor

from tests.browser.sessions import sign_in
from tests.browser.test_governance import owner_of
from tests.factories import make_key, make_organization
from webhooks.dispatcher import drain


def send_what_is_due():
    # the browser's event loop runs in this thread
    with ThreadPoolExecutor(1) as pool:
        pool.submit(drain).result()


def test_a_bin_an_endpoint_a_test_event_and_a_rotation(page):
    organization = make_organization(name="Acme Contact Centers")
    make_key(organization, name="CompanyX")
    sign_in(page, owner_of(organization))
    page.goto("/dashboard/")
    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("link", name="Request bins").click()
    page.get_by_label("Name").fill("Staging CRM")
    page.get_by_role("button", name="Make a bin").click()
    page.get_by_text("Nothing received yet").wait_for()
    bin_page = page.url

    page.get_by_role("link", name="New endpoint that sends here").click()
    page.get_by_label("Partner").select_option(label="CompanyX")
    page.get_by_label("Description").fill("Staging CRM")
    page.get_by_label("A lead came in").check()
    page.get_by_label("Headers of your own").fill("X-Route: hub")
    page.get_by_label("Sign with Ed25519 too").check()
    page.get_by_role("button", name="Add endpoint").click()
    secret = page.locator("#webhook-secret").inner_text().strip()
    assert secret.startswith("whsec_")
    assert page.locator("#public-key").inner_text().startswith("whpk_")
    page.get_by_role("link", name="Done").click()
    assert secret not in page.content()

    page.get_by_role("button", name="Send test event").click()
    page.get_by_text("A test event is on its way.").wait_for()
    send_what_is_due()
    page.reload()
    page.get_by_text("Attempt 1").wait_for()
    page.goto(bin_page)
    page.get_by_text("Signature verified").wait_for()
    page.get_by_text("X-Route: ***").wait_for()
    page.get_by_label("Answers").fill("500")
    page.get_by_role("button", name="Change").click()
    page.get_by_text("The bin answers 500 from now on.").wait_for()

    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("link", name="Endpoints").click()
    page.get_by_role("link", name="Staging CRM").click()
    page.get_by_role("button", name="Replay").click()
    page.get_by_text(re.compile("deliveries are sent again")).wait_for()
    page.get_by_role("button", name="Rotate secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    assert page.locator("#webhook-secret").inner_text().strip() != secret
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("The endpoint is paused.").wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("", "/endpoints", "/endpoints/new", "/bins"):
        page.goto(f"/dashboard/webhooks{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_an_endpoint_with_bad_terms_says_what_is_wrong(page):
    organization = make_organization()
    make_key(organization, name="CompanyX")
    sign_in(page, owner_of(organization))
    page.goto("/dashboard/webhooks/endpoints/new")
    page.get_by_label("Partner").select_option(label="CompanyX")
    page.get_by_label("Address").fill("http://partner.example/")
    page.get_by_label("Everything, also what comes later").check()
    page.get_by_label("Headers of your own").fill("Webhook-Id: mine")
    page.get_by_role("button", name="Add endpoint").click()
    page.get_by_text("must begin with https://").wait_for()
    page.get_by_text("Webhook-Id is set by the hub.").wait_for()
    assert page.get_by_label("Everything, also what comes later").is_checked()
