"""An owner finds a request that waits, and settles it, in a browser."""

from config import tenancy
from partner_requests.services.lifecycle import partner_request_submit
from tests.browser.sessions import sign_in
from tests.browser.test_governance import owner_of
from tests.factories import ACTOR, SANDBOX, make_key, make_organization


def test_a_request_is_settled_by_hand(page):
    organization = make_organization(name="Acme Contact Centers")
    client = make_key(organization, name="CompanyX").key.client
    with tenancy.operator():
        for amount in (1250, 300):
            partner_request_submit(
                organization_id=organization.id,
                environment=SANDBOX,
                client_id=client.id,
                type="REFUND",
                payload={"amount": amount, "currency": "ILS", "invoice": "2026-0042"},
                actor=ACTOR,
            )
    sign_in(page, owner_of(organization))
    page.goto("/dashboard/")
    page.get_by_role("link", name="Partner requests").click()
    page.get_by_role("link", name="REFUND").first.click()
    page.get_by_label("Decision").select_option("FAILED")
    page.get_by_role("button", name="Settle").click()
    page.get_by_text("This field is required.").wait_for()
    page.get_by_label("Reason").fill("The invoice was credited already.")
    page.get_by_role("button", name="Settle").click()
    page.get_by_text("The request is settled.").wait_for()
    page.get_by_text("declined").wait_for()
    assert page.get_by_role("button", name="Settle").count() == 0
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (page.url, "/dashboard/partner-requests"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
