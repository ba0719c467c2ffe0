"""Random conversions, changes, reversals and payouts against a simple model of the money.

In the suite a few sequences run. The many are run by

    MONEY_SEQUENCES=10000 MONEY_STEPS=20 .venv/bin/python -m pytest tests/rewards/test_money_model.py -q

with MONEY_SEED for other ones than the last time's.
"""

import os
from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from config import tenancy
from config.api.exceptions import BusinessRule
from rewards.models import PayoutBatch, PayoutItem, Reward
from rewards.postbacks import Postback
from rewards.selectors.rates import terms_of
from rewards.services.conversions import postback_apply
from rewards.services.payouts import payout_batch_approve, payout_batch_cancel, payout_batch_create
from rewards.services.settling import payout_items_settle
from rewards.splits import parts_of
from tests.campaigns import make_link
from tests.conversions import make_shop
from tests.factories import ACTOR, SANDBOX, make_user

SEQUENCES = int(os.environ.get("MONEY_SEQUENCES", "12"))
STEPS = int(os.environ.get("MONEY_STEPS", "15"))
SEED = int(os.environ.get("MONEY_SEED", "20261127"))
USERS = ("u-1", "u-2", "u-3")
STATUSES = st.sampled_from(("pending", "approved", "approved", "approved", "rejected"))
AMOUNTS = st.integers(0, 5_000)
TRANSACTIONS = st.integers(1, 8)


class Money(RuleBasedStateMachine):
    """The model: what each conversion is worth, what each user was paid, and nothing else.

    At every moment, for each user: what is owed, plus what is on its way, plus what was paid, less what is
    owed to us, is the sum of the user's parts of approved conversions.
    """

    @initialize(share=st.integers(0, 10_000), platform=st.integers(0, 10_000))
    def begin(self, share: int, platform: int) -> None:
        self.shop = make_shop(campaign={"share": share})
        self.share, self.platform = share, platform
        self.world: dict[str, Any] = {
            "organization_id": self.shop.organization.id,
            "environment": SANDBOX,
        }
        self.links = {user: make_link(self.shop.campaign, user_id=user) for user in USERS}
        for user in USERS:
            self.shop.payee(user)
        with tenancy.tenant(self.shop.organization.id, SANDBOX):
            self.terms = terms_of(**self.world)
            self.terms.platform_share, self.terms.minimum_payout_minor = platform, 0
            self.terms.save()
        self.people = (make_user().user, make_user().user)
        # transaction -> (user, status, commission)
        self.conversions: dict[int, tuple[str, str, int]] = {}
        self.settled: dict[str, int] = defaultdict(int)

    @rule(transaction=TRANSACTIONS, status=STATUSES, amount=AMOUNTS, user=st.sampled_from(USERS))
    def postback(self, transaction: int, status: str, amount: int, user: str) -> None:
        from_before = self.conversions.get(transaction)
        postback_apply(
            network=self.shop.network,
            terms=self.terms,
            postback=Postback(
                f"t-{transaction}", f"{self.links[user].code}.x", status, payout=_units(amount)
            ),
        )
        if from_before is None:
            self.conversions[transaction] = (user, status, amount)
            return
        owner, before, worth = from_before
        if before == "pending" and status != "rejected":
            self.conversions[transaction] = (owner, status, amount)
        elif before == "approved" and status == "approved":
            self.conversions[transaction] = (owner, "approved", amount)
        elif before in ("pending", "approved") and status == "rejected":
            self.conversions[transaction] = (owner, "ended", worth)

    @rule()
    def batch(self) -> None:
        with tenancy.tenant(self.shop.organization.id, SANDBOX):
            try:
                payout_batch_create(
                    **self.world,
                    provider="bank_file",
                    currency="EUR",
                    minimum_minor=0,
                    created_by=self.people[0],
                    actor=ACTOR,
                )
            except BusinessRule as refusal:
                if refusal.details["reason"] != "nothing_due":
                    raise

    @rule(approves=st.booleans())
    def decide(self, approves: bool) -> None:
        with tenancy.tenant(self.shop.organization.id, SANDBOX):
            batch = PayoutBatch.objects.filter(status="draft").order_by("id").first()
            if batch is None:
                return
            items = batch.items.filter(status="draft")
            gross = sum(items.values_list("gross_minor", flat=True))
            if approves and gross:
                payout_batch_approve(
                    batch_id=batch.id, approved_by=self.people[1], actor=ACTOR, expected_minor=gross
                )
            else:
                payout_batch_cancel(batch_id=batch.id, actor=ACTOR)

    @precondition(lambda self: hasattr(self, "shop"))
    @rule(fails=st.booleans())
    def settle(self, fails: bool) -> None:
        with tenancy.tenant(self.shop.organization.id, SANDBOX):
            item = PayoutItem.objects.filter(status="sent").order_by("id").first()
            if item is None:
                return
            payout_items_settle(item_ids=[item.id], failure="closed" if fails else "", actor=ACTOR)
            if not fails:
                self.settled[item.user_id] += item.net_minor

    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        if not hasattr(self, "shop"):
            return
        parts = dict.fromkeys(USERS, 0)
        platform = partner = 0
        for user, status, worth in self.conversions.values():
            if status == "approved":
                split = parts_of(
                    worth, share=self.share, flat_reward_minor=None, platform_share=self.platform
                )
                assert sum(split) == worth
                platform, partner = platform + split.platform, partner + split.partner
                parts[user] += split.user
        balances = self.shop.balances()
        worth = platform + partner + sum(parts.values())
        assert balances.get("network_receivable", 0) == worth
        assert balances.get("platform_revenue", 0) == platform
        assert balances.get("partner_payable", 0) - balances.get("payee_debt", 0) == partner
        assert balances.get("cash", 0) == -sum(self.settled.values())
        with tenancy.tenant(self.shop.organization.id, SANDBOX):
            sent = PayoutItem.objects.filter(status="sent")
            on_the_way = defaultdict(int)
            for user, net in sent.values_list("user_id", "net_minor"):
                on_the_way[user] += net
            assert not Reward.objects.filter(amount_minor__lte=0).exists()
        assert balances.get("payout_clearing", 0) == sum(on_the_way.values())
        for user in USERS:
            owed = balances.get(f"user_payable:{user}", 0)
            debt = balances.get(f"payee_debt:{user}", 0)
            assert owed >= 0
            assert debt >= 0
            assert owed + on_the_way[user] + self.settled[user] - debt == parts[user]

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            assert self.shop.differences() == []


def _units(minor: int) -> Any:
    return Decimal(minor).scaleb(-2)


TestMoney = seed(SEED)(Money).TestCase
TestMoney.settings = settings(
    max_examples=SEQUENCES,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
