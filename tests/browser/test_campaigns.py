"""Campaigns in a browser: one is started, its link made, followed and counted; figures and monitoring."""

import os
import random
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from config import tenancy
from partners.models import Membership
from partners.services.organizations import member_add
from rewards.models import Campaign, SmartLink
from rewards.selectors.performance import performance_of
from tests.browser.sessions import sign_in
from tests.campaigns import make_campaign, make_conversion, make_link
from tests.factories import ACTOR, make_client, make_organization, make_user
from tests.offers import make_brand, make_network, make_offer
from tests.processes import wait_until
from tests.rewards.test_performance import add_clicks

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_PATIENCE_MS = 120_000
# where to leave pictures of dark and narrow pages for whoever looks at them
LOOKS = os.environ.get("HUB_LOOKS", "")


@pytest.fixture
def shop():
    """An organization with an owner, a partner, and an offer of a network."""
    organization = make_organization(name="Acme Rewards")
    person = make_user()
    member_add(organization=organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    brand = make_brand(organization, name="Northwind", website="https://www.shop.example")
    offer = make_offer(
        organization, brand=brand, network=make_network(organization), name="Running shoes, 10 % back"
    )
    return organization, person, offer, make_client(organization, name="Daily Deals")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args, **_kwargs):
        return None


def follow(address):
    """Where a link leads: status and Location."""
    request = urllib.request.Request(address, headers={"User-Agent": FIREFOX})
    try:
        urllib.request.build_opener(_NoRedirect).open(request)
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers.get("Location", "")
    raise AssertionError("no redirect")


def look(page, name):
    if not LOOKS:
        return
    page.screenshot(path=Path(LOOKS) / f"{name}.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=Path(LOOKS) / f"{name}-dark.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=Path(LOOKS) / f"{name}-narrow.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")


def test_a_campaign_is_started_its_link_followed_and_counted(page, hub, shop):
    _organization, person, offer, client = shop
    page.set_default_timeout(_PATIENCE_MS)
    sign_in(page, person)
    page.goto("/dashboard/")
    page.get_by_role("link", name="Campaigns").first.click()
    page.get_by_text("No campaigns yet").wait_for()
    look(page, "empty")
    page.get_by_role("link", name="New campaign").click()
    page.get_by_label("Offer", exact=True).select_option(str(offer.id))
    page.get_by_label("Partner", exact=True).select_option(str(client.id))
    page.get_by_label("Name").fill("Spring newsletter")
    page.get_by_role("button", name="Start the campaign").click()
    page.get_by_text("This field is required.").wait_for()
    page.get_by_label("Share, in %").fill("33.33")
    look(page, "form")
    page.get_by_role("button", name="Start the campaign").click()
    page.get_by_text("The campaign runs.").wait_for()
    page.get_by_label("Sub id").fill("issue-12")
    page.get_by_role("button", name="Make a link").click()
    page.get_by_text("The link is made.").wait_for()
    page.get_by_role("button", name="Show").click()
    image = page.get_by_role("img", name="QR code of")
    image.wait_for()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    look(page, "qr")
    page.get_by_role("button", name="Done").click()
    with tenancy.operator():
        link = SmartLink.objects.get()
    page.get_by_role("button", name="Copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == f"{hub}/r/{link.code}"

    status, location = follow(f"{hub}/r/{link.code}")
    assert status == 302
    assert location.startswith("https://go.network.example/click?")

    def counted():
        with tenancy.operator():
            return performance_of([link.campaign_id])[link.campaign_id]["clicks"] == 1

    wait_until(counted, seconds=60)
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("button", name="Close it for good").click()
    page.get_by_text("The campaign is changed").wait_for()
    wait_until(lambda: follow(f"{hub}/r/{link.code}")[0] == 410, seconds=10)


def test_performance_and_monitoring_have_charts_and_tables(page, shop, picture):
    organization, person, offer, client = shop
    chance = random.Random(3)
    for name, size in (("Spring newsletter", 60), ("Instagram", 25), ("Coupon page", 8)):
        campaign = make_campaign(organization, offer=offer, client=client, name=name)
        link = make_link(campaign)
        for day in range(30):
            at = timezone.now() - timedelta(days=day, hours=chance.randrange(20))
            add_clicks(link, chance.randrange(size // 2, size * 2), at=at, bots=chance.randrange(5))
        for _ in range(size // 2):
            amount = chance.randrange(200, 4_000)
            status = chance.choice(["approved", "approved", "pending", "rejected"])
            created_at = timezone.now() - timedelta(days=chance.randrange(29))
            make_conversion(campaign, status=status, commission_minor=amount, created_at=created_at)
    page.set_default_timeout(_PATIENCE_MS)
    sign_in(page, person)
    page.goto("/dashboard/campaigns/performance")
    page.locator(".chart canvas").nth(3).wait_for()
    picture(page, "campaign-performance")
    look(page, "performance")
    page.get_by_text("The same as a table").first.click()
    assert page.get_by_role("columnheader", name="Conversions").first.is_visible()
    page.get_by_label("Time").select_option("7d")
    page.wait_for_url("**range=7d*")
    page.get_by_label("From").fill((timezone.now() - timedelta(days=3)).date().isoformat())
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**from=*")
    page.goto("/dashboard/campaigns")
    page.get_by_role("link", name="Spring newsletter").wait_for()
    look(page, "list")
    page.get_by_role("link", name="Spring newsletter").click()
    page.locator(".chart canvas").nth(3).wait_for()
    picture(page, "campaign")
    look(page, "detail")
    page.goto("/dashboard/campaigns/links")
    look(page, "links")
    page.goto("/dashboard/monitoring")
    page.locator(".chart canvas").nth(2).wait_for()
    look(page, "monitoring")
    with tenancy.operator():
        assert Campaign.objects.count() == 3
