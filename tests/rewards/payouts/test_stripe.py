"""Payouts by transfers of Stripe: asked for once, whatever it answers and whoever is killed."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as django_settings

from config import tenancy
from config.api.exceptions import BusinessRule
from rewards.models import PayoutItem
from rewards.services.sending import payouts_send
from tests.conversions import events, in_thread
from tests.payouts import approve, create, items, state
from tests.rewards.stripe_server import KEY, StripeServer


@pytest.fixture
def stripe(settings):
    server = StripeServer()
    settings.STRIPE_API_URL, settings.STRIPE_SECRET_KEY = server.url, KEY
    yield server
    server.close()


def test_stripe_is_asked_once_for_each_payout(shop, people, stripe):
    shop.payee(method="stripe", account="acct_1", name="Ada")
    shop.postback("t-1")
    batch = create(shop, people, provider="stripe")
    approve(shop, batch, people[1])
    assert stripe.requests == []
    with ThreadPoolExecutor(4) as pool:
        settled = sum(pool.map(in_thread(lambda _: payouts_send()), range(4)))
    assert settled == 1
    [transfer] = stripe.transfers
    assert (transfer["amount"], transfer["currency"], transfer["destination"]) == (400, "eur", "acct_1")
    [item] = items(shop)
    assert (item.status, item.provider_reference, state(batch)) == ("paid", "tr_1", "completed")
    assert stripe.requests == [("POST", str(item.id))]
    assert payouts_send() == 0
    assert shop.balances()["cash"] == -400
    assert shop.differences() == []


def test_what_stripe_refuses_is_owed_again(shop, people, stripe):
    shop.payee(method="stripe", account="acct_1", name="Ada")
    shop.postback("t-1")
    approve(shop, create(shop, people, provider="stripe"), people[1])
    stripe.answers = [400]
    assert payouts_send() == 1
    assert (items(shop)[0].status, items(shop)[0].failure) == ("failed", "No such destination")
    assert shop.balances()["user_payable:u-1"] == 400


@pytest.mark.parametrize("answer", [500, 429, None])
def test_an_answer_that_says_nothing_is_asked_for_again_and_pays_once(shop, people, stripe, answer):
    shop.payee(method="stripe", account="acct_1", name="Ada")
    shop.postback("t-1")
    approve(shop, create(shop, people, provider="stripe"), people[1])
    stripe.answers = [answer]
    assert payouts_send() == 0
    assert items(shop)[0].status == "sending"
    assert shop.balances()["payout_clearing"] == 400
    with tenancy.operator():
        PayoutItem.objects.update(claimed_until=None)
    # even where the provider has forgotten the key
    stripe.forgets_keys = True
    assert payouts_send() == 1
    assert len(stripe.transfers) == 1
    assert [method for method, _ in stripe.requests][:2] == ["POST", "GET"]
    assert shop.differences() == []


def test_a_sender_killed_between_the_answer_and_its_record_pays_once(shop, people, stripe):
    """A real process, killed with SIGKILL when the transfer is made and before it hears of it."""
    shop.payee(method="stripe", account="acct_1", name="Ada")
    shop.postback("t-1")
    approve(shop, create(shop, people, provider="stripe"), people[1])
    code = (
        "import sys, django; django.setup(); sys.stdin.readline();"
        "from rewards.services.sending import payouts_send; payouts_send()"
    )
    environment = os.environ | {"STRIPE_API_URL": stripe.url, "STRIPE_SECRET_KEY": KEY}
    sender = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        cwd=django_settings.BASE_DIR,
        env=environment,
    )
    stripe.answers, stripe.kill = [None], sender.pid
    sender.communicate(b"go\n", timeout=120)
    assert sender.returncode == -9
    assert (len(stripe.transfers), items(shop)[0].status) == (1, "sending")
    # its claim stands: nobody else asks before it is over
    assert payouts_send() == 0
    with tenancy.operator():
        PayoutItem.objects.update(claimed_until=None)
    stripe.forgets_keys = True
    assert payouts_send() == 1
    assert len(stripe.transfers) == 1
    assert (items(shop)[0].status, items(shop)[0].provider_reference) == ("paid", "tr_1")
    assert [one.status for one in shop.rewards(kind="user")] == ["paid"]
    assert events(shop.organization).count("reward.paid") == 1
    assert shop.differences() == []


def test_without_asking_for_the_outcome_it_would_pay_twice(shop, people, stripe, monkeypatch):
    """The negative control of the kill: a provider that forgot the key, and nobody who asks."""
    shop.payee(method="stripe", account="acct_1", name="Ada")
    shop.postback("t-1")
    approve(shop, create(shop, people, provider="stripe"), people[1])
    stripe.answers = [None]
    payouts_send()
    monkeypatch.setattr("rewards.providers.stripe.StripeTransfers.outcome", lambda *_: None)
    with tenancy.operator():
        PayoutItem.objects.update(claimed_until=None)
    stripe.forgets_keys = True
    payouts_send()
    assert len(stripe.transfers) == 2


def test_stripe_must_be_configured(shop, people):
    shop.postback("t-1")
    with pytest.raises(BusinessRule) as missing:
        create(shop, people, provider="stripe")
    assert missing.value.details["reason"] == "provider_missing"
