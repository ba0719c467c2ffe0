"""What a network reports becomes a conversion once, split to the last minor unit."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.serializers import ModelSerializer

from config import tenancy
from rewards.models import Conversion, ConversionTally, ExchangeRate
from rewards.serializers.rewards import RewardOut
from rewards.services import conversions
from rewards.services.arrivals import postbacks_settle
from rewards.services.conversions import (
    conversion_attribute,
    conversion_release,
    conversions_attribute_late,
)
from rewards.services.payees import exchange_rate_add
from rewards.services.payouts import payout_batch_create
from rewards.splits import parts_of
from tests.campaigns import make_campaign, make_link
from tests.conversions import events, make_shop, terms
from tests.factories import ACTOR, SANDBOX, make_organization, make_user
from tests.offers import make_network, make_offer
from tests.racing import race, without_constraint


def test_an_approved_conversion_is_split_and_its_reward_queued(shop):
    answer = shop.postback("t-1", sale_amount="100", goal="sale")
    assert answer.status_code == 200
    conversion = shop.conversion("t-1")
    assert answer.json() == {"conversion_id": str(conversion.id), "result": "recorded", "status": "approved"}
    assert (conversion.sale_minor, conversion.payout_minor, conversion.commission_minor) == (
        10_000,
        1000,
        1000,
    )
    assert (conversion.platform_minor, conversion.partner_minor, conversion.user_minor) == (200, 400, 400)
    assert (conversion.goal, conversion.client_id) == ("sale", shop.client.id)
    assert shop.balances() == {
        "network_receivable": 1000,
        "platform_revenue": 200,
        "partner_payable": 400,
        "user_payable:u-1": 400,
    }
    assert [(one.kind, one.amount_minor, one.status) for one in shop.rewards()] == [
        ("partner", 400, "queued"),
        ("user", 400, "queued"),
    ]
    assert events(shop.organization) == ["reward.queued"]
    assert shop.differences() == []


def test_what_is_new_and_what_is_known_asks_nothing_one_by_one(shop, monkeypatch, django_assert_num_queries):
    """Two round trips, or one, past the ORM; whatever needs more is taken the long way."""
    monkeypatch.setattr("rewards.postback_doors._KEPT_S", 600.0)
    shop.postback("t-0")
    with django_assert_num_queries(0):
        assert shop.postback("t-1").json()["result"] == "recorded"
        assert shop.postback("t-1").json()["result"] == "duplicate"
        assert shop.postback("t-2", click_id="nobody").json()["result"] == "recorded"
        assert shop.postback("t-3", status="pending").json()["result"] == "recorded"
    assert shop.balances()["network_receivable"] == 2000


def test_a_click_says_whose_conversion_it_is(shop, follow, clicks_shipped):
    answer = follow(shop.link.code, query="?user_id=u-7")
    assert clicks_shipped() == 1
    click = UUID(parse_qs(urlsplit(answer["Location"]).query)["p1"][0])
    shop.postback("t-1", click_id=click.hex)
    shop.postback("t-2", click_id=str(click))
    for number in (1, 2):
        conversion = shop.conversion(f"t-{number}")
        assert (conversion.click_id, conversion.user_id) == (click, "u-7")
    assert shop.balances()["user_payable:u-7"] == 800
    shop.postback("t-3", click_id="0" * 32)
    assert shop.conversion("t-3").held_for == "unattributed"


def test_a_reward_is_written_out_as_its_fields_say(shop):
    shop.payee()
    shop.postback("t-1")
    with tenancy.tenant(shop.organization.id, SANDBOX):
        makers = {
            "organization_id": shop.organization.id,
            "environment": SANDBOX,
            "provider": "bank_file",
            "currency": "EUR",
            "minimum_minor": 0,
        }
        payout_batch_create(**makers, created_by=make_user().user, actor=ACTOR)
        for reward in shop.rewards():
            assert RewardOut(reward).data == ModelSerializer.to_representation(RewardOut(), reward)
            assert list(RewardOut(reward).data) == list(RewardOut.Meta.fields)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 10**9),
    st.integers(0, 10_000),
    st.none() | st.integers(0, 10_000),
    st.integers(0, 10**9),
    st.booleans(),
    st.booleans(),
)
def test_the_parts_always_sum_to_the_commission(commission, platform, share, flat, has_user, has_partner):
    parts = parts_of(
        commission,
        share=share,
        flat_reward_minor=None if share is not None else flat,
        platform_share=platform,
        has_user=has_user,
        has_partner=has_partner,
    )
    assert sum(parts) == commission
    assert min(parts) >= 0
    assert has_user or not parts.user
    assert has_partner or parts.platform == commission


def test_a_flat_reward_is_the_users_whatever_the_commission(organization):
    shop = make_shop(organization, campaign={"share": None, "flat_reward_minor": 250, "currency": "EUR"})
    shop.postback("t-1", payout="10")
    shop.postback("t-2", payout="1")
    one, two = shop.conversion("t-1"), shop.conversion("t-2")
    assert (one.platform_minor, one.partner_minor, one.user_minor) == (200, 550, 250)
    assert (two.platform_minor, two.partner_minor, two.user_minor) == (0, 0, 100)


def test_without_a_payout_the_offer_says_what_it_pays(organization):
    shop = make_shop(organization)  # 10 % of the sale
    shop.postback("t-1", payout="", sale_amount="59.95")
    assert shop.conversion("t-1").commission_minor == 599
    flat = make_shop(organization, offer={"commission_type": "flat", "commission_value": 750})
    flat.postback("t-2", payout="{payout}")
    assert flat.conversion("t-2").commission_minor == 750


@pytest.fixture
def apart(monkeypatch):
    """Each request takes its postback in by itself, as those of other processes do."""

    def settle(*, network, terms, postback):
        return postbacks_settle(network=network, terms=terms, postbacks=[postback])[0]

    monkeypatch.setattr(conversions, "postback_settle", settle)


def test_the_same_postback_50_times_at_once_credits_once(shop, apart):
    answers = race(50, lambda _: shop.postback("t-1"), table="rewards_conversion")
    assert {answer.status_code for answer in answers} == {200}
    results = [answer.json()["result"] for answer in answers]
    assert (results.count("recorded"), results.count("duplicate")) == (1, 49)
    assert shop.balances()["network_receivable"] == 1000
    assert shop.history("t-1") == ["approved"]
    assert events(shop.organization) == ["reward.queued"]
    assert shop.differences() == []


def test_without_the_constraint_the_same_race_credits_more_than_once(shop, apart):
    """The negative control: it is the constraint that makes it one."""
    with without_constraint("rewards_conversion", "conversion_once"):
        race(50, lambda _: shop.postback("t-1"), table="rewards_conversion")
        assert shop.balances()["network_receivable"] > 1000


def test_50_approvals_of_one_pending_conversion_credit_once(shop):
    shop.postback("t-1", status="pending")
    assert shop.balances() == {}
    race(50, lambda _: shop.postback("t-1"), table="rewards_conversion")
    assert shop.balances()["network_receivable"] == 1000
    assert shop.history("t-1") == ["received", "approved"]


def test_pending_approved_rejected_is_a_reversal(shop):
    for status, result in (("pending", "recorded"), ("approved", "updated"), ("rejected", "updated")):
        answer = shop.postback("t-1", status=status)
        assert answer.json()["result"] == result
    assert answer.json()["status"] == "reversed"
    assert shop.balances() == {}
    assert shop.history("t-1") == ["received", "approved", "reversed"]
    assert [one.status for one in shop.rewards()] == ["reversed", "reversed"]
    assert events(shop.organization) == ["reward.queued", "reward.reversed"]
    assert shop.postback("t-1", status="rejected").json()["result"] == "duplicate"
    assert shop.differences() == []


def test_a_pending_that_is_rejected_never_was_booked(shop):
    shop.postback("t-1", status="pending")
    assert shop.postback("t-1", status="cancelled").json()["status"] == "rejected"
    assert shop.balances() == {}
    assert shop.rewards() == []


def test_a_pending_after_its_approval_is_late_and_changes_nothing(shop):
    shop.postback("t-1", status="approved")
    for _ in range(3):
        answer = shop.postback("t-1", status="pending", payout="99")
        assert answer.json()["result"] == "ignored"
    assert shop.conversion("t-1").commission_minor == 1000
    assert shop.history("t-1") == ["approved", "ignored"]


@pytest.mark.parametrize("first", ["rejected", "approved"])
def test_an_approval_after_the_end_is_ignored_and_visible(shop, first):
    shop.postback("t-1", status=first)
    shop.postback("t-1", status="rejected")
    assert shop.postback("t-1", status="approved").json()["result"] == "ignored"
    assert shop.balances() == {}
    assert shop.history("t-1")[-1] == "ignored"


def test_another_amount_is_an_adjustment_and_never_an_overwrite(shop):
    shop.postback("t-1", payout="10")
    shop.postback("t-1", payout="12.50")
    assert shop.balances()["user_payable:u-1"] == 500
    shop.postback("t-1", payout="5")
    assert shop.postback("t-1", payout="5").json()["result"] == "duplicate"
    assert shop.balances() == {
        "network_receivable": 500,
        "platform_revenue": 100,
        "partner_payable": 200,
        "user_payable:u-1": 200,
    }
    assert shop.history("t-1") == ["approved", "adjusted", "adjusted"]
    with tenancy.tenant(shop.organization.id, SANDBOX):
        changes = shop.conversion("t-1").changes.order_by("id")
        before = [change.details.get("before", {}).get("payoutMinor") for change in changes]
        assert before == [None, 1000, 1250]
        assert all(change.ledger_transaction_id for change in changes)
    assert [one.amount_minor for one in shop.rewards(kind="user")] == [200]
    assert events(shop.organization) == ["reward.queued", "reward.adjusted", "reward.adjusted"]
    assert shop.differences() == []


def test_a_postback_without_an_amount_changes_none(shop):
    shop.postback("t-1", payout="10")
    assert shop.postback("t-1", payout="").json()["result"] == "duplicate"


def test_an_unknown_click_is_kept_and_can_be_attributed(shop):
    shop.postback("t-1", click_id="nothing")
    conversion = shop.conversion("t-1")
    assert (conversion.held_for, conversion.status) == ("unattributed", "approved")
    assert shop.balances() == {}
    assert conversions_attribute_late() == 0
    with tenancy.tenant(shop.organization.id, SANDBOX):
        conversion_attribute(conversion_id=conversion.id, reference=shop.link.code, actor="ops@hub.example")
    assert shop.balances()["user_payable:u-1"] == 400
    assert shop.history("t-1") == ["approved", "attributed"]


def test_a_click_that_comes_after_its_conversion_is_found(shop):
    shop.postback("t-1", click_id="LateCode1.x")
    make_link(shop.campaign, code="LateCode1", user_id="u-2")
    assert conversions_attribute_late() == 1
    assert conversions_attribute_late() == 0
    assert shop.balances()["user_payable:u-2"] == 400


def test_a_network_does_not_speak_for_anothers_offers(shop):
    other = make_network(shop.organization)
    campaign = make_campaign(shop.organization, offer=make_offer(shop.organization, network=other))
    shop.postback("t-1", click_id=f"{make_link(campaign, user_id='u-9').code}.x")
    assert shop.conversion("t-1").held_for == "unattributed"


def test_without_a_user_the_users_part_is_the_partners(shop):
    link = make_link(shop.campaign)
    shop.postback("t-1", click_id=f"{link.code}.x")
    assert shop.balances() == {"network_receivable": 1000, "platform_revenue": 200, "partner_payable": 800}


def test_another_currency_is_converted_at_a_rate_that_stays(shop):
    shop.postback("t-1", currency="USD")
    assert shop.conversion("t-1").held_for == "rate"
    assert shop.balances() == {}
    given = {"organization_id": shop.organization.id, "environment": SANDBOX, "actor": ACTOR}
    with tenancy.tenant(shop.organization.id, SANDBOX):
        exchange_rate_add(source="USD", target="EUR", rate=Decimal("0.9"), **given)
        # it held before the rate was known
        assert ExchangeRate.objects.count() == 1
    shop.postback("t-2", currency="USD")
    conversion = shop.conversion("t-2")
    assert (conversion.payout_minor, conversion.payout_currency) == (1000, "USD")
    assert (conversion.commission_minor, conversion.currency, conversion.rate) == (900, "EUR", Decimal("0.9"))
    with tenancy.tenant(shop.organization.id, SANDBOX):
        exchange_rate_add(source="USD", target="EUR", rate=Decimal("0.5"), **given)
    shop.postback("t-2", currency="USD", payout="20")
    assert shop.conversion("t-2").commission_minor == 1800
    shop.postback("t-3", currency="USD")
    assert shop.conversion("t-3").commission_minor == 500
    # a currency without a rate does not unbook what is booked
    assert shop.postback("t-3", currency="JPY", payout="700").json()["result"] == "ignored"
    assert shop.balances()["network_receivable"] == 2300


def test_a_daily_cap_of_3_admits_exactly_3_of_20_at_once(organization):
    shop = make_shop(organization, offer={"daily_conversion_cap": 3, "total_conversion_cap": 10})
    race(20, lambda n: shop.postback(f"t-{n}", status="pending"), table="rewards_conversiontally")
    with tenancy.tenant(organization.id, SANDBOX):
        assert Conversion.objects.filter(held_for="").count() == 3
        assert Conversion.objects.filter(held_for="cap").count() == 17
        free = Conversion.objects.filter(held_for="").first()
        assert set(ConversionTally.objects.values_list("conversion_count", flat=True)) == {3}
    # a rejection makes room
    shop.postback(free.network_transaction_id, status="rejected")
    shop.postback("t-new")
    shop.postback("t-over")
    assert (shop.conversion("t-new").held_for, shop.conversion("t-over").held_for) == ("", "cap")
    assert shop.balances()["network_receivable"] == 1000
    with tenancy.tenant(organization.id, SANDBOX):
        conversion_release(conversion_id=shop.conversion("t-over").id, actor="ops@hub.example")
    assert shop.balances()["network_receivable"] == 2000
    assert shop.differences() == []


def test_a_revenue_cap_counts_what_is_paid(organization):
    shop = make_shop(organization, offer={"total_revenue_cap_minor": 2500})
    for number in range(3):
        shop.postback(f"t-{number}")
    held = [shop.conversion(f"t-{number}").held_for for number in range(3)]
    assert held == ["", "", "cap"]


def test_each_part_is_due_after_the_hold(organization):
    shop = make_shop(organization)
    terms(organization, hold_days=30)
    shop.postback("t-1")
    assert {(one.available_at - timezone.now()).days for one in shop.rewards()} == {29}


def test_another_tenant_sees_none_of_it(shop):
    shop.postback("t-1")
    with tenancy.tenant(make_organization().id, SANDBOX):
        assert not Conversion.objects.exists()
