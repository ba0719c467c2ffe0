"""Conversions, payouts and the ledger in the dashboard: what each person sees and may do."""

import json

import pytest
from django.test import Client

from config import tenancy
from ledger.models import Account
from ledger.services.upkeep import book_reconcile
from rewards.models import ExchangeRate, Payee, PayoutBatch, RewardTerms
from rewards.services.reconciling import rewards_check
from tests.conftest import owner_connection
from tests.conversions import IBAN, make_shop
from tests.factories import SANDBOX, make_organization
from tests.people import browser, make_member

NEW = "/dashboard/conversions/payouts/new"
BATCH = {"environment": "sandbox", "provider": "bank_file", "currency": "eur", "minimum": ""}


@pytest.fixture
def shop(organization):
    shop = make_shop(organization)
    shop.payee()
    return shop


@pytest.fixture
def owner(organization):
    return browser(make_member("owner", organization))


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


@pytest.fixture
def member(organization):
    return browser(make_member("member", organization))


def batch(shop):
    with tenancy.tenant(shop.organization.id, SANDBOX):
        return PayoutBatch.objects.order_by("-number").first()


def account(shop, kind):
    with tenancy.tenant(shop.organization.id, SANDBOX):
        return Account.objects.filter(kind=kind).first()


def pages(shop):
    conversion = shop.conversion("t-1")
    return [
        "/dashboard/conversions",
        f"/dashboard/conversions/{conversion.id}",
        "/dashboard/conversions/rewards",
        "/dashboard/conversions/payouts",
        "/dashboard/conversions/payees",
        "/dashboard/ledger",
        "/dashboard/ledger/debts",
        "/dashboard/ledger/reconciliation",
        f"/dashboard/ledger/accounts/{account(shop, 'user_payable').id}",
    ]


def test_everybody_of_the_organization_and_super_admins_read_and_nobody_else(
    shop, owner, manager, member, admin_client
):
    shop.postback("t-1")
    shop.postback("t-lost", click_id="nobody")
    for path in pages(shop):
        for person in (owner, manager, member, admin_client):
            assert person.get(path).status_code == 200, path
        assert Client().get(path).status_code == 302
    stranger = browser(make_member("owner", make_organization()))
    for path in pages(shop):
        page = stranger.get(path)
        if str(shop.conversion("t-1").id) in path or "/accounts/" in path:
            assert page.status_code == 404
        else:
            assert "t-1" not in page.content.decode()
            assert "u-1" not in page.content.decode()


def test_pages_without_anything_say_what_will_stand_there(organization, owner):
    for path in (
        "/dashboard/conversions",
        "/dashboard/conversions/rewards",
        "/dashboard/conversions/payouts",
        "/dashboard/conversions/payees",
        "/dashboard/ledger",
        "/dashboard/ledger/debts",
        "/dashboard/ledger/reconciliation",
    ):
        assert 'class="empty"' in owner.get(path).content.decode(), path


def test_one_person_makes_a_batch_and_another_approves_it(shop, owner, manager):
    shop.postback("t-1")
    answer = owner.post(NEW, BATCH)
    made = batch(shop)
    assert answer["Location"] == f"/dashboard/conversions/payouts/{made.id}"
    page = owner.get(answer["Location"]).content.decode()
    assert "another owner or manager" in page
    assert f"{made.id}/approve" not in page
    owner.post(f"/dashboard/conversions/payouts/{made.id}/approve", {"expected": "400"})
    assert batch(shop).status == "draft"
    assert f"{made.id}/approve" in manager.get(answer["Location"]).content.decode()
    manager.post(f"/dashboard/conversions/payouts/{made.id}/approve", {"expected": "399"})
    assert batch(shop).status == "draft"
    manager.post(f"/dashboard/conversions/payouts/{made.id}/approve", {"expected": "400"})
    assert batch(shop).status == "approved"
    content = manager.get(f"/dashboard/conversions/payouts/{made.id}/file")
    assert content["Content-Type"] == "application/xml"
    assert IBAN in content.content.decode()
    owner.post(f"/dashboard/conversions/payouts/{made.id}/paid")
    assert batch(shop).status == "completed"
    assert shop.rewards(kind="user")[0].status == "paid"


def test_a_payout_that_the_bank_did_not_make_is_given_back(shop, owner, manager):
    shop.postback("t-1")
    owner.post(NEW, BATCH)
    made = batch(shop)
    manager.post(f"/dashboard/conversions/payouts/{made.id}/approve", {"expected": "400"})
    with tenancy.tenant(shop.organization.id, SANDBOX):
        item = made.items.get()
    owner.post(f"/dashboard/conversions/payouts/{made.id}/items/{item.id}/failed", {"reason": "closed"})
    assert shop.rewards(kind="user")[0].failure == "closed"
    assert shop.balances()["user_payable:u-1"] == 400


def test_members_change_nothing(shop, owner, member):
    shop.postback("t-1")
    shop.postback("t-lost", click_id="nobody")
    assert member.post(NEW, BATCH).status_code == 403
    owner.post(NEW, BATCH)
    made, lost = batch(shop), shop.conversion("t-lost")
    for path in (
        f"/dashboard/conversions/payouts/{made.id}/approve",
        f"/dashboard/conversions/payouts/{made.id}/cancel",
        f"/dashboard/conversions/payouts/{made.id}/paid",
        f"/dashboard/conversions/{lost.id}/attribute",
        "/dashboard/conversions/payees/new",
        "/dashboard/conversions/terms",
        "/dashboard/conversions/terms/rates",
    ):
        assert member.post(path, {"expected": "400", "reference": shop.link.code}).status_code == 403
    assert member.get(f"/dashboard/conversions/payouts/{made.id}/file").status_code == 403
    assert batch(shop).status == "draft"
    assert shop.conversion("t-lost").held_for == "unattributed"


def test_another_organization_neither_sees_nor_approves_a_batch(shop, owner):
    shop.postback("t-1")
    owner.post(NEW, BATCH)
    made = batch(shop)
    stranger = browser(make_member("owner", make_organization()))
    assert stranger.get(f"/dashboard/conversions/payouts/{made.id}").status_code == 404
    for act in ("approve", "cancel", "paid"):
        assert (
            stranger.post(f"/dashboard/conversions/payouts/{made.id}/{act}", {"expected": "400"}).status_code
            == 404
        )
    assert batch(shop).status == "draft"


def test_a_draft_is_cancelled(shop, owner):
    shop.postback("t-1")
    owner.post(NEW, BATCH)
    owner.post(f"/dashboard/conversions/payouts/{batch(shop).id}/cancel")
    assert batch(shop).status == "cancelled"
    assert owner.post(NEW, BATCH | {"minimum": "4.01"}).status_code == 422
    assert owner.post(NEW, BATCH | {"minimum": "4.00"}).status_code == 302


def test_a_held_conversion_is_attributed_by_a_person(shop, owner):
    shop.postback("t-1", click_id="nobody")
    conversion = shop.conversion("t-1")
    path = f"/dashboard/conversions/{conversion.id}/attribute"
    owner.post(path, {"reference": "nothing"})
    assert shop.conversion("t-1").held_for == "unattributed"
    owner.post(path, {"reference": f"{shop.link.code}.x"})
    assert shop.conversion("t-1").held_for == ""
    assert "Attributed" in owner.get(f"/dashboard/conversions/{conversion.id}").content.decode()


def test_a_rate_is_added_and_what_waited_for_it_is_released(shop, owner):
    shop.postback("t-1", currency="USD")
    conversion = shop.conversion("t-1")
    release = f"/dashboard/conversions/{conversion.id}/release"
    owner.post(release)
    assert shop.conversion("t-1").held_for == "rate"
    rate = {"environment": "sandbox", "source": "usd", "target": "eur", "rate": "0.9"}
    assert owner.post("/dashboard/conversions/terms/rates", rate | {"target": "usd"}).status_code == 422
    assert owner.post("/dashboard/conversions/terms/rates", rate).status_code == 302
    with tenancy.tenant(shop.organization.id, SANDBOX):
        # it is for what came before, too, only once a person says so
        ExchangeRate.objects.get()
    owner.post(release)
    assert shop.conversion("t-1").commission_minor == 900


def test_payees_are_kept_sealed_and_shown_by_their_last_digits(shop, owner):
    form = {
        "client": str(shop.client.id),
        "user_id": "u-9",
        "method": "bank",
        "name": "Grace Hopper",
        "iban": "GB33 BUKB 2020 1555 5555 55",
    }
    assert owner.post("/dashboard/conversions/payees/new", form | {"iban": "GB00"}).status_code == 422
    assert owner.post("/dashboard/conversions/payees/new", form).status_code == 302
    page = owner.get("/dashboard/conversions/payees").content.decode()
    assert "…5555" in page
    assert "GB33" not in page
    assert "Grace" not in page
    with tenancy.tenant(shop.organization.id, SANDBOX):
        assert Payee.objects.count() == 2


def test_terms_are_changed_and_audited(shop, owner):
    form = {
        "environment": "sandbox",
        "platform_share": "12.5",
        "hold_days": "14",
        "minimum_payout_minor": "500",
    }
    assert owner.post("/dashboard/conversions/terms", form | {"platform_share": "101"}).status_code == 422
    assert owner.post("/dashboard/conversions/terms", form | {"payer_iban": IBAN}).status_code == 422
    assert owner.post("/dashboard/conversions/terms", form).status_code == 302
    with tenancy.tenant(shop.organization.id, SANDBOX):
        terms = RewardTerms.objects.get()
        assert (terms.platform_share, terms.hold_days, terms.minimum_payout_minor) == (1250, 14, 500)
        assert terms.payer_sealed
    assert "reward_terms.changed" in owner.get("/dashboard/audit").content.decode()


def test_a_statement_is_exported_and_no_cell_is_a_formula(shop, owner):
    shop.postback("=HYPERLINK(1)")
    shop.postback("t-2", payout="5")
    path = f"/dashboard/ledger/accounts/{account(shop, 'user_payable').id}/export"
    text = owner.get(path).content.decode()
    header, newest, oldest = text.strip().splitlines()
    assert header.startswith("at,kind,description")
    assert "'=HYPERLINK(1)" in oldest
    assert newest.endswith(",200,600,EUR")
    lines = [json.loads(line) for line in owner.get(path, {"format": "jsonl"}).content.splitlines()]
    assert [line["balance_minor"] for line in lines] == [600, 400]
    page = owner.get(path.removesuffix("/export"), {"from": "2100-01-01"}).content.decode()
    assert "Nothing in that time" in page
    assert owner.get(path.removesuffix("/export"), {"from": "never"}).status_code == 200


def test_books_that_do_not_agree_say_so_on_every_ledger_page(shop, owner):
    shop.postback("t-1")
    with owner_connection() as login:
        login.execute("UPDATE ledger_balance SET balance_minor = balance_minor + 7")
    given = {"organization_id": shop.organization.id, "environment": SANDBOX}
    book_reconcile(**given, checks=[rewards_check])
    for path in ("/dashboard/ledger", "/dashboard/ledger/reconciliation"):
        assert "ifferences" in owner.get(path).content.decode()
    with owner_connection() as login:
        login.execute("UPDATE ledger_balance SET balance_minor = balance_minor - 7")
    book_reconcile(**given, checks=[rewards_check])
    assert "differences" not in owner.get("/dashboard/ledger").content.decode()


def test_ops_read_it_in_the_admin_without_what_is_sealed(shop, admin_client):
    shop.postback("t-1")
    for name in (
        "ledger/account",
        "ledger/transaction",
        "ledger/posting",
        "ledger/reconciliation",
        "rewards/conversion",
        "rewards/conversionchange",
        "rewards/reward",
        "rewards/payoutbatch",
        "rewards/payoutitem",
        "rewards/payee",
        "rewards/rewardterms",
        "rewards/exchangerate",
    ):
        assert admin_client.get(f"/admin/{name}/").status_code == 200, name
    with tenancy.tenant(shop.organization.id, SANDBOX):
        payee = Payee.objects.get()
    page = admin_client.get(f"/admin/rewards/payee/{payee.id}/change/").content.decode()
    assert "details_sealed" not in page
