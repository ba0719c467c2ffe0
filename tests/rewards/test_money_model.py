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
from config.statements import TenantStatement
from partners.models import User
from rewards.models import Payee, PayoutBatch, PayoutItem, SmartLink
from rewards.postbacks import Postback
from rewards.selectors.rates import terms_of
from rewards.services.conversions import postback_apply
from rewards.services.payouts import payout_batch_approve, payout_batch_cancel, payout_batch_create
from rewards.services.settling import payout_items_settle
from rewards.splits import parts_of
from tests.conversions import make_shop
from tests.factories import ACTOR, SANDBOX, make_user

SEQUENCES = int(os.environ.get("MONEY_SEQUENCES", "25"))
STEPS = int(os.environ.get("MONEY_STEPS", "15"))
SEED = int(os.environ.get("MONEY_SEED", "20261127"))
USERS = ("u-1", "u-2", "u-3")
STATUSES = st.sampled_from(("pending", "approved", "approved", "approved", "rejected"))
AMOUNTS = st.integers(0, 5_000)
TRANSACTIONS = st.integers(1, 8)
# Asked after each step, so in one round trip.
BOOKS = TenantStatement(
    """
SELECT a.kind, a.user_id, sum(b.balance_minor)::bigint FROM ledger_account a
JOIN ledger_balance b ON b.account_id = a.id WHERE a.organization_id = $1 GROUP BY a.kind, a.user_id
UNION ALL
SELECT 'on_the_way', user_id, sum(net_minor)::bigint FROM rewards_payoutitem
WHERE organization_id = $1 AND status = 'sent' GROUP BY user_id
UNION ALL
SELECT 'due', '', count(*) FROM rewards_reward
WHERE organization_id = $1 AND status IN ('queued', 'failed') AND item_id IS NULL AND kind = 'user'
UNION ALL
SELECT 'drafts', '', count(*) FROM rewards_payoutbatch WHERE organization_id = $1 AND status = 'draft'""",
    types=["uuid"],
)


class Money(RuleBasedStateMachine):
    """The model: what each conversion is worth, what each user was paid, and nothing else.

    At every moment, for each user: what is owed, plus what is on its way, plus what was paid, less what is
    owed to us, is the sum of the user's parts of approved conversions.
    """

    people: tuple[User, User] | None = None

    @initialize(share=st.integers(0, 10_000), platform=st.integers(0, 10_000))
    def begin(self, share: int, platform: int) -> None:
        # whoever acts is no part of a sequence
        if Money.people is None:
            Money.people = (make_user().user, make_user().user)
        self.shop = make_shop(campaign={"share": share})
        self.share, self.platform = share, platform
        organization = self.shop.organization.id
        self.world: dict[str, Any] = {"organization_id": organization, "environment": SANDBOX}
        mine = self.shop.payee(USERS[0])
        with tenancy.tenant(organization, SANDBOX):
            links = [SmartLink(**self.world, campaign=self.shop.campaign, user_id=user) for user in USERS]
            SmartLink.objects.bulk_create(links)
            given = {"client_id": mine.client_id, "method": mine.method, "hint": mine.hint}
            Payee.objects.bulk_create(
                Payee(**self.world, **given, user_id=user, details_sealed=mine.details_sealed)
                for user in USERS[1:]
            )
            self.terms = terms_of(**self.world)
            self.terms.platform_share, self.terms.minimum_payout_minor = platform, 0
            self.terms.save()
        self.links = dict(zip(USERS, links, strict=True))
        # transaction -> (user, status, commission)
        self.conversions: dict[int, tuple[str, str, int]] = {}
        self.settled: dict[str, int] = defaultdict(int)
        self.on_the_way: dict[str, int] = {}
        self.due = self.drafts = 0

    @rule(transaction=TRANSACTIONS, amount=AMOUNTS, user=st.sampled_from(USERS))
    def sale(self, transaction: int, amount: int, user: str) -> None:
        self.postback(transaction, "approved", amount, user)

    @precondition(lambda self: getattr(self, "conversions", None))
    @rule(data=st.data(), amount=AMOUNTS, status=st.sampled_from(("approved", "rejected")))
    def change(self, data: st.DataObject, amount: int, status: str) -> None:
        """What is known is approved, changed or taken back."""
        transaction = data.draw(st.sampled_from(sorted(self.conversions)))
        self.postback(transaction, status, amount, USERS[0])

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

    @precondition(lambda self: getattr(self, "due", 0))
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

    @precondition(lambda self: getattr(self, "drafts", 0))
    @rule(approves=st.sampled_from((True, True, False)))
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

    @precondition(lambda self: any(getattr(self, "on_the_way", {}).values()))
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
        balances = self.books()
        on_the_way = self.on_the_way
        worth = platform + partner + sum(parts.values())
        assert balances["network_receivable", ""] == worth
        assert balances["platform_revenue", ""] == -platform
        assert balances["partner_payable", ""] + balances["payee_debt", ""] == -partner
        assert balances["cash", ""] == -sum(self.settled.values())
        assert balances["payout_clearing", ""] == -sum(on_the_way.values())
        for user in USERS:
            owed, debt = -balances["user_payable", user], balances["payee_debt", user]
            assert owed >= 0
            assert debt >= 0
            assert owed + on_the_way[user] + self.settled[user] - debt == parts[user]

    def books(self) -> dict[tuple[str, str], int]:
        """What is on each account, debits positive. Notes what is on its way, and what can be done next."""
        balances: dict[tuple[str, str], int] = defaultdict(int)
        self.on_the_way = defaultdict(int)
        organization = str(self.shop.organization.id)
        for kind, user, amount in BOOKS.rows(organization, SANDBOX, [organization]):
            if kind == "on_the_way":
                self.on_the_way[user] = amount
            elif kind == "due":
                self.due = amount
            elif kind == "drafts":
                self.drafts = amount
            else:
                balances[kind, user] = amount
        return balances

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
