"""The whole way: somebody's page, a site, the network, its postback, and a reward that two people paid."""

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from config import tenancy
from config.encryption import seal
from partners.models import Membership
from partners.services.organizations import member_add
from rewards.models import Click
from rewards.providers.bank_file import Account as BankAccount
from rewards.services.payees import payee_set, terms_set
from tests.browser.sessions import sign_in
from tests.browser.storefronts.conftest import elements, key_for, site_of
from tests.conversions import IBAN, OTHER_IBAN, SECRET
from tests.factories import ACTOR, SANDBOX, make_user
from tests.offers import make_network
from tests.processes import wait_until
from tests.sites import make_deal

# what a host page may do: take the click over, and say who its user is
SAYS_WHO = """addEventListener("hub-offer-click", (event) => {
  event.preventDefault();
  location.assign(event.detail.url + "&user_id=ada");
});"""


def clicks(organization):
    with tenancy.tenant(organization.id, SANDBOX):
        return {click.id.hex: click for click in Click.objects.all()}


def test_from_a_widget_and_a_site_to_a_paid_reward(open_tab, embed, tenant, owner, httpserver, hub, look):
    organization, port = tenant.organization, httpserver.port
    second = make_user()
    member_add(organization=organization, user=second.user, role=Membership.Role.MANAGER, actor=ACTOR)
    httpserver.expect_request("/click").respond_with_data(
        '<link rel="icon" href="data:,">The shop', content_type="text/html"
    )
    network = make_network(
        organization,
        currency="EUR",
        postback_secret_sealed=seal(SECRET.encode(), purpose="network-postback"),
        link_template=f"http://network.test:{port}/click?campaign_id={{offer_id}}&p1={{click_id}}",
    )
    make_deal(tenant, "Espresso machine", brand="Crema", network=network, commission_currency="EUR")
    with tenancy.tenant(organization.id, SANDBOX):
        terms_set(
            organization_id=organization.id, environment=SANDBOX, platform_share=2_000, hold_days=0,
            minimum_payout_minor=100, payer=BankAccount("Acme Ltd", OTHER_IBAN, ""), actor=ACTOR,
        )  # fmt: skip
        payee_set(
            organization_id=organization.id, environment=SANDBOX, client_id=tenant.id, user_id="ada",
            method="bank", name="Ada Lovelace", iban=IBAN, actor=ACTOR,
        )  # fmt: skip

    # both widgets in a page of another origin; its user ada takes a deal
    page = open_tab()
    page.add_init_script(SAYS_WHO)
    page.goto(embed(elements(key_for(tenant, httpserver))))
    expect(page.locator("deal-card .name")).to_have_text("Espresso machine")
    card = page.locator("offer-grid .card[part]", has_text="Espresso machine")
    card.locator("a.go").click()
    page.wait_for_url("http://network.test*/**")
    by_widget = parse_qs(urlsplit(page.url).query)["p1"][0]

    # a visitor of the white-label site takes it too
    site_of(tenant)
    visitor = open_tab()
    visitor.goto(f"http://acme.sites.test:{urlsplit(hub).port}/")
    visitor.get_by_role("link", name="Espresso machine").first.click()
    visitor.wait_for_url("**/o/**")
    with visitor.context.expect_page() as opened:
        visitor.get_by_role("link", name="Get the deal").click()
    opened.value.wait_for_url("http://network.test*/**")
    by_site = parse_qs(urlsplit(opened.value.url).query)["p1"][0]

    wait_until(lambda: clicks(organization).keys() >= {by_widget, by_site}, seconds=20)
    found = clicks(organization)
    assert found[by_widget].user_id == "ada"
    assert found[by_widget].sub_id.startswith("widget-")
    assert (found[by_site].user_id, found[by_site].sub_id) == ("", "site-acme")

    # the network reports both sales, one of them twice
    for transaction, click in (("TX-1", by_widget), ("TX-1", by_widget), ("TX-2", by_site)):
        sale = {"txn_id": transaction, "click_id": click, "payout": "25.00", "sale_amount": "250.00"}
        answer = page.request.get(
            f"{hub}/postbacks/{network.id}", params=sale | {"status": "approved", "secret": SECRET}
        )
        assert answer.ok, answer.text()

    # one person puts the payout together, another approves it, and the reward is there, paid
    office = open_tab(viewport={"width": 1440, "height": 900})
    sign_in(office, owner)
    office.goto("/dashboard/conversions/rewards")
    expect(office.get_by_role("row").filter(has_text="ada")).to_contain_text("10.00")
    office.goto("/dashboard/conversions/payouts/new")
    office.get_by_label("Environment").select_option("sandbox")
    office.get_by_role("button", name="Put together").click()
    office.get_by_text("another owner or manager has to approve it").wait_for()
    address = office.url
    office.context.clear_cookies()
    sign_in(office, second)
    office.goto(address)
    office.get_by_role("button", name="Approve and pay").click()
    office.get_by_text("Approved. Its payouts are on their way.").wait_for()
    office.get_by_role("button", name="All others are paid").click()
    office.get_by_text("Completed").wait_for()
    office.goto("/dashboard/conversions/rewards?status=paid")
    paid = office.get_by_role("row").filter(has_text="ada")
    expect(paid).to_have_count(1)
    expect(paid).to_contain_text(re.compile("Paid.*10.00", re.DOTALL))
    look(office, "dashboard-reward-paid")
