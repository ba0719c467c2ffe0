"""A network's postbacks arrive; one person puts the payouts together, another approves them in a browser."""

from config import tenancy
from partners.models import Membership
from partners.services.organizations import member_add
from rewards.models import PayoutBatch
from rewards.tasks import reconcile
from tests.browser.sessions import sign_in
from tests.campaigns import make_link
from tests.conversions import make_shop
from tests.factories import ACTOR, SANDBOX, make_organization, make_user


def test_from_a_postback_to_a_paid_reward(page, picture):
    organization = make_organization(name="Acme Rewards")
    people = [make_user(), make_user()]
    for person, role in zip(people, Membership.Role.values, strict=False):
        member_add(organization=organization, user=person.user, role=role, actor=ACTOR)
    shop = make_shop(organization)
    for number, user in enumerate(("ada", "grace", "alan"), start=1):
        shop.payee(user, name=user.title())
        link = make_link(shop.campaign, user_id=user)
        shop.postback(
            f"TX-100{number}", click_id=f"{link.code}.x", payout=f"{number * 7}.35", sale_amount="99"
        )
    shop.postback("TX-1004", click_id="unknown")
    shop.postback("TX-1003", status="rejected")

    sign_in(page, people[0])
    page.goto("/dashboard/conversions")
    page.get_by_text("1 conversion is held").wait_for()
    picture(page, "conversions")
    page.get_by_role("link", name="TX-1001").click()
    page.get_by_text("Split").wait_for()
    picture(page, "conversion")
    page.goto("/dashboard/conversions/payouts/new")
    page.get_by_label("Environment").select_option("sandbox")
    page.get_by_role("button", name="Put together").click()
    page.get_by_text("another owner or manager has to approve it").wait_for()
    assert page.get_by_role("button", name="Approve and pay").count() == 0
    address = page.url

    page.context.clear_cookies()
    sign_in(page, people[1])
    page.goto(address)
    picture(page, "payout")
    page.get_by_role("button", name="Approve and pay").click()
    page.get_by_text("Approved. Its payouts are on their way.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Bank file").click()
    assert download.value.suggested_filename == "payout-1.xml"
    page.get_by_role("button", name="All others are paid").click()
    page.get_by_text("Completed").wait_for()
    with tenancy.tenant(organization.id, SANDBOX):
        assert PayoutBatch.objects.get().status == "completed"
    page.goto("/dashboard/conversions/rewards?status=paid")
    assert page.get_by_role("row").filter(has_text="ada").get_by_text("Paid").count() == 1

    reconcile()
    page.goto("/dashboard/ledger")
    page.get_by_text("Own accounts").wait_for()
    picture(page, "ledger")
    page.get_by_role("link", name="Network receivable").click()
    page.get_by_text("TX-1002").wait_for()
    picture(page, "statement")
    page.goto("/dashboard/ledger/reconciliation")
    page.get_by_text("Agrees").wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (
        "/dashboard/conversions",
        "/dashboard/conversions/payouts",
        "/dashboard/ledger",
        "/dashboard/conversions/payees/new",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
