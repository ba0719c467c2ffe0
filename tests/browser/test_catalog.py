"""The catalogue in a browser: a network is connected and read, its offers are found and overridden."""

import sys

import pytest
from django.conf import settings

from catalog.models import Offer
from config import tenancy
from partners.models import Membership
from partners.services.organizations import member_add
from tests.browser.sessions import sign_in
from tests.engine import working
from tests.factories import ACTOR, make_organization, make_user

sys.path.insert(0, str(settings.BASE_DIR / "examples"))

import trackier_server


@pytest.fixture
def owner():
    organization = make_organization(name="Acme Contact Centers")
    person = make_user(full_name="Omer Owner")
    member_add(organization=organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    return person


def test_a_network_is_connected_read_and_an_offer_overridden(page, owner, picture):
    campaigns = trackier_server.demo_campaigns()
    campaigns.append(trackier_server.campaign(109, "Broken", host="x.example", payouts=[]))
    network = trackier_server.TrackierNetwork(campaigns, key="demo-key")
    sign_in(page, owner)
    with trackier_server.serve(network) as url:
        page.goto("/dashboard/offers/networks/new")
        page.get_by_label("Name", exact=True).fill("Trackier")
        page.get_by_label("Short name").fill("trackier")
        page.get_by_label("API address").fill(url)
        page.get_by_label("Publisher API key").fill("demo-key")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Test connection").click()
        page.get_by_text("Connected, as Demo Publisher").wait_for()
        page.get_by_role("button", name="Read now").click()
        page.locator("progress").wait_for()
        with working("default"):
            page.locator("#sync-state", has_text="Completed").wait_for(timeout=180_000)
            network.campaigns = [
                trackier_server.campaign(
                    101, "Trail shoes, new season", host="northtrail.example", payout=9.5
                ),
                *campaigns[2:],
            ]
            page.get_by_role("button", name="Read again").click()
            page.locator("#sync-state", has_text="Completed").wait_for(timeout=180_000)
    page.get_by_text("There is none.").wait_for()
    page.get_by_text("Ended", exact=True).last.wait_for()
    picture(page, "catalogue-run")
    page.get_by_role("link", name="Trackier").click()
    page.get_by_role("heading", name="Runs").wait_for()

    page.get_by_role("link", name="Offers").first.click()
    picture(page, "offers")
    page.get_by_label("Name, brand or description").fill("headph")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Wireless headphones").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Name", exact=True).fill("Headphones for us")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Ours instead of the network's").wait_for()
    picture(page, "offer")
    with tenancy.operator():
        assert Offer.objects.get(external_id="103").name == "Headphones for us"
        assert Offer.objects.get(external_id="102").status == "ended"
