"""The pipeline in a browser: a lead is quoted and proposed, the customer accepts, the policy is cancelled."""

import pytest

from config import tenancy
from partners.models import Membership
from partners.services.organizations import member_add
from pipeline.models import Policy, Proposal
from tests.browser.sessions import sign_in
from tests.engine import working
from tests.factories import ACTOR, make_agent, make_company, make_key, make_organization, make_user
from tests.pipeline.walking import Seller, today


@pytest.fixture
def owner():
    organization = make_organization(name="Acme Contact Centers")
    person = make_user(full_name="Omer Owner")
    member_add(organization=organization, user=person.user, role=Membership.Role.OWNER, actor=ACTOR)
    company = make_company(organization, environment="production")
    for name in ("Sarah Levi", "Dan Mizrahi", "Ruth Amir"):
        make_agent(company, name=name)
    return organization, person


def on_their_ways(organization):
    """Leads at each stage, so that the board has something to show."""
    seller = Seller(make_key(organization, environment="production", name="Northwind"))
    for name, value in (("Noa Bar", 180_000), ("Tom Reed", None)):
        terms = {} if value is None else {"valueMinor": value, "currency": "ILS"}
        lead = seller.lead(name=name, **terms)
    seller.done("/assignments", {"leadId": lead["id"]})
    seller.quote(seller.qualified(name="Yael Cohen", valueMinor=240_000, currency="ILS"))
    seller.active_policy()
    lost = seller.lead(name="Omer Katz")
    seller.done(f"/leads/{lost['id']}/reject", {"reason": "Went with another provider"})
    return seller.qualified(name="Ada Lovelace", valueMinor=142_559, currency="ILS")


def test_a_lead_becomes_a_policy_and_the_customer_accepts_by_link(page, browser, hub, owner, picture):
    organization, person = owner
    lead = on_their_ways(organization)
    sign_in(page, person)
    page.goto("/dashboard/pipeline")
    page.get_by_role("region", name="Quoted").get_by_text("Yael Cohen").wait_for()
    picture(page, "pipeline-board")
    page.get_by_role("link", name="Ada Lovelace").click()
    page.get_by_role("button", name="Offer").click()
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("link", name="Ada Lovelace").click()
    page.get_by_role("link", name="New quote").click()
    page.get_by_label("Title").fill("Car insurance")
    page.get_by_label("Valid until").fill(today(30))
    page.get_by_label("Description").first.fill("Comprehensive car cover, one year")
    page.get_by_label("Price of one").first.fill("1,200.00")
    page.get_by_label("Tax %").first.fill("18")
    page.get_by_role("button", name="Save the quote").click()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("link", name="Make a proposal").click()
    page.get_by_label("Terms").fill("The premium is due within 30 days.\nEither side may cancel at any time.")
    page.get_by_role("button", name="New proposal").click()
    page.get_by_role("button", name="Send").click()
    page.get_by_text("The customer's link").wait_for()
    link = page.locator("code.wrap").inner_text()

    # the customer, in a browser that has never been here, on a telephone
    stranger = browser.new_context(base_url=hub, viewport={"width": 420, "height": 900})
    customer = stranger.new_page()
    problems: list[str] = []
    customer.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    customer.goto(link[link.index("/proposal/") :])
    customer.get_by_text("Comprehensive car cover, one year").wait_for()
    picture(customer, "proposal")
    customer.get_by_label("Your full name").fill("Ada Lovelace")
    customer.get_by_role("button", name="Accept").click()
    customer.get_by_text("The link has been used.").wait_for()
    stranger.close()
    assert problems == []
    with tenancy.operator():
        assert Proposal.objects.get(lead_id=lead["id"]).decided_through == "link"

    page.reload()
    page.get_by_role("link", name="Issue a policy").click()
    page.get_by_label("First day").fill(today())
    page.get_by_role("button", name="Issue a policy").click()
    page.get_by_role("button", name="Activate").click()
    page.get_by_label("No cover from").fill(today(73))
    page.locator("form", has_text="No cover from").get_by_label("Reason").fill("Sold the car")
    page.get_by_role("button", name="Cancel the policy").click()
    page.get_by_text("To give back").wait_for()
    picture(page, "pipeline-policy")
    with tenancy.operator():
        assert Policy.objects.get(lead_id=lead["id"]).status == "cancelled"

    page.goto("/dashboard/pipeline/agents?environment=production")
    page.get_by_text("Sarah Levi").wait_for()
    page.goto("/dashboard/pipeline/exports")
    page.get_by_role("button", name="Write the file").click()
    with working("default"):
        page.get_by_role("link", name="Download").wait_for(timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.startswith("leads-")
