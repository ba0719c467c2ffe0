"""Payouts need two people, are booked and sent once, and what is taken back later is a debt."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import IntegrityError

from config import tenancy
from config.api.exceptions import BusinessRule, DomainError
from partners.models import AuditEntry
from rewards.bank_accounts import bic_read, iban_read
from rewards.models import Payee, PayoutBatch
from rewards.refusals import BatchChanged, InvalidTransition, SecondPersonRequired
from rewards.services.payouts import (
    payout_batch_cancel,
    payout_file_open,
)
from tests.conversions import IBAN, events, terms
from tests.factories import ACTOR, SANDBOX, make_key
from tests.partner import Partner
from tests.payouts import approve, create, items, paid_out, settle, state
from tests.racing import race

NOW = timedelta(0)


def test_a_reward_is_paid_by_a_batch_of_two_people(shop, people):
    shop.postback("t-1")
    shop.postback("t-2")
    batch = create(shop, people)
    assert (state(batch), [item.net_minor for item in items(shop)]) == ("draft", [800])
    assert shop.balances()["user_payable:u-1"] == 800
    approve(shop, batch, people[1])
    assert state(batch) == "approved"
    assert (shop.balances()["payout_clearing"], "user_payable:u-1" in shop.balances()) == (800, False)
    assert settle(shop, batch) == 1
    assert state(batch) == "completed"
    assert shop.balances() == {
        "network_receivable": 2000,
        "platform_revenue": 400,
        "partner_payable": 800,
        "cash": -800,
    }
    assert [one.status for one in shop.rewards(kind="user")] == ["paid", "paid"]
    assert sorted(events(shop.organization)) == ["reward.paid"] * 2 + ["reward.queued"] * 2
    assert shop.differences() == []
    with tenancy.operator():
        acts = set(AuditEntry.objects.filter(action__startswith="payout").values_list("action", flat=True))
    assert acts == {"payout_batch.created", "payout_batch.approved", "payout.paid"}


def test_the_one_who_made_it_does_not_approve_it(shop, people):
    shop.postback("t-1")
    batch = create(shop, people)
    with pytest.raises(SecondPersonRequired):
        approve(shop, batch, people[0])
    assert state(batch) == "draft"
    assert shop.balances()["user_payable:u-1"] == 400
    # and whatever the code does, the database insists
    with pytest.raises(IntegrityError, match="two_people"), tenancy.operator():
        PayoutBatch.objects.filter(id=batch.id).update(status="approved", approved_by=people[0])


def test_50_simultaneous_approvals_book_and_make_one(shop, people):
    shop.postback("t-1")
    batch = create(shop, people)

    def once(_):
        try:
            return approve(shop, batch, people[1], expected=400).status
        except InvalidTransition:
            return "refused"

    answers = race(50, once, table="rewards_payoutbatch")
    assert (answers.count("refused"), len(answers)) == (49, 50)
    assert shop.balances()["payout_clearing"] == 400
    assert shop.differences() == []


def test_without_the_lock_approvals_do_not_agree(shop, people, monkeypatch):
    """The negative control: it is the lock of the batch's row that lets one through."""
    shop.postback("t-1")
    batch = create(shop, people)
    monkeypatch.setattr(
        "rewards.services.payouts._locked", lambda batch_id: PayoutBatch.objects.get(id=batch_id)
    )

    def once(_):
        try:
            return approve(shop, batch, people[1], expected=400).status
        except DomainError as error:
            return type(error).__name__
        except IntegrityError:
            return "IntegrityError"

    answers = set(race(50, once, table="rewards_payoutbatch"))
    # what lies behind the lock still holds: nothing is booked twice
    assert answers & {"BatchChanged", "IntegrityError", "AnotherTransaction"}
    assert shop.balances()["payout_clearing"] == 400


def test_a_batch_that_changed_since_it_was_seen_is_looked_at_again(shop, people):
    shop.postback("t-1")
    shop.postback("t-2")
    batch = create(shop, people)
    shop.postback("t-2", status="rejected")
    assert [item.gross_minor for item in items(shop)] == [400]
    with pytest.raises(BatchChanged):
        approve(shop, batch, people[1], expected=800)
    approve(shop, batch, people[1], expected=400)
    assert shop.differences() == []


def test_what_is_due_is_what_has_enough_is_over_its_hold_and_has_details(shop, people, organization):
    terms(organization, hold_days=10)
    shop.postback("t-held")
    terms(organization, hold_days=0)
    with pytest.raises(BusinessRule) as none:
        create(shop, people)
    assert none.value.details["reason"] == "nothing_due"
    shop.postback("t-1", payout="2")  # 80 of a minimum of 100
    with pytest.raises(BusinessRule):
        create(shop, people)
    shop.postback("t-2", payout="2")
    create(shop, people)
    assert [item.gross_minor for item in items(shop)] == [160]
    # while that is under way nothing more of this payee
    shop.postback("t-3")
    with pytest.raises(BusinessRule):
        create(shop, people)
    assert state(PayoutBatch(id=items(shop)[0].batch_id)) == "draft"


def test_a_cancelled_draft_gives_its_rewards_back(shop, people):
    shop.postback("t-1")
    batch = create(shop, people)
    with tenancy.tenant(shop.organization.id, SANDBOX):
        payout_batch_cancel(batch_id=batch.id, actor=ACTOR)
    assert (state(batch), [one.item_id for one in shop.rewards()]) == ("cancelled", [None, None])
    approve(shop, create(shop, people), people[1])
    assert shop.balances()["payout_clearing"] == 400


def test_a_payout_that_failed_is_owed_again_and_the_next_one_pays(shop, people):
    shop.postback("t-1")
    batch = create(shop, people)
    approve(shop, batch, people[1])
    settle(shop, batch, failure="AC04 closed account")
    [reward] = shop.rewards(kind="user")
    assert (reward.status, reward.failure, reward.item) == ("failed", "AC04 closed account", None)
    assert shop.balances()["user_payable:u-1"] == 400
    assert "reward.failed" in events(shop.organization)
    with pytest.raises(InvalidTransition):
        settle(shop, batch)
    batch = create(shop, people)
    approve(shop, batch, people[1])
    settle(shop, batch)
    assert shop.rewards(kind="user")[0].status == "paid"
    assert events(shop.organization).count("reward.paid") == 1
    assert shop.differences() == []


def test_a_reversal_after_the_payout_is_a_debt_that_the_next_rewards_pay_first(shop, people):
    paid_out(shop, people)
    shop.postback("t-1", status="rejected")
    [reward] = shop.rewards(kind="user")
    assert (reward.status, reward.debt_minor) == ("reversed", 400)
    assert shop.balances() == {"cash": -400, "payee_debt:u-1": 400}
    # less than the debt: all of it goes there, nothing to the bank
    shop.postback("t-2", payout="3")
    batch = create(shop, people)
    approve(shop, batch, people[1])
    assert state(batch) == "completed"
    assert (shop.balances()["payee_debt:u-1"], "payout_clearing" in shop.balances()) == (280, False)
    # more than the debt: the rest is paid
    shop.postback("t-3")
    batch = create(shop, people)
    approve(shop, batch, people[1])
    last = items(shop)[-1]
    assert (last.gross_minor, last.debt_minor, last.net_minor) == (400, 280, 120)
    settle(shop, batch)
    assert shop.balances()["cash"] == -520
    assert "payee_debt:u-1" not in shop.balances()
    assert shop.differences() == []


def test_a_smaller_amount_after_the_payout_is_a_debt_of_the_difference(shop, people):
    paid_out(shop, people)
    shop.postback("t-1", payout="7.50")
    [reward] = shop.rewards(kind="user")
    assert (reward.status, reward.debt_minor) == ("paid", 100)
    assert shop.balances()["payee_debt:u-1"] == 100
    shop.postback("t-1", payout="7.50", status="rejected")
    assert shop.balances()["payee_debt:u-1"] == 400
    assert shop.differences() == []


def test_a_larger_amount_after_the_payout_is_another_reward(shop, people):
    paid_out(shop, people)
    shop.postback("t-1", payout="15")
    assert [(one.amount_minor, one.status) for one in shop.rewards(kind="user")] == [
        (400, "paid"),
        (200, "queued"),
    ]
    assert shop.differences() == []


@pytest.mark.parametrize("failure", ["", "AC04"])
def test_a_reversal_while_the_payout_is_on_its_way(shop, people, failure):
    shop.postback("t-1")
    shop.postback("t-2")
    batch = create(shop, people)
    approve(shop, batch, people[1])
    shop.postback("t-1", status="rejected")
    assert shop.balances()["payee_debt:u-1"] == 400
    settle(shop, batch, failure=failure)
    balances = shop.balances()
    if failure:  # it never was paid, so nothing is owed of it
        assert (balances["user_payable:u-1"], "payee_debt:u-1" in balances) == (400, False)
    else:
        assert (balances["cash"], balances["payee_debt:u-1"]) == (-800, 400)
    assert events(shop.organization).count("reward.paid") == (0 if failure else 1)
    assert shop.differences() == []


def test_partners_are_paid_by_the_same_way(shop, people):
    shop.payee("")
    shop.postback("t-1")
    batch = create(shop, people)
    approve(shop, batch, people[1])
    settle(shop, batch)
    assert shop.balances() == {"network_receivable": 1000, "platform_revenue": 200, "cash": -800}
    assert events(shop.organization) == ["reward.queued", "reward.paid"]


def test_the_bank_file_is_valid_says_who_gets_what_and_stays_the_same(shop, people):
    shop.payee("u-2", name="Çelik & Söhne", iban="GB33 BUKB 2020 1555 5555 55")
    shop.postback("t-1")
    shop.postback("t-2", click_id=shop.link.code)
    batch = create(shop, people)
    batch = approve(shop, batch, people[1])
    with tenancy.tenant(shop.organization.id, SANDBOX):
        content = payout_file_open(PayoutBatch.objects.get(id=batch.id))
        assert content == payout_file_open(PayoutBatch.objects.get(id=batch.id))
        sealed = bytes(Payee.objects.get(user_id="u-1").details_sealed)
    names = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"}
    tree = ElementTree.fromstring(content)
    assert tree.findtext(".//p:GrpHdr/p:MsgId", namespaces=names) == batch.id.hex
    assert tree.findtext(".//p:GrpHdr/p:CtrlSum", namespaces=names) == "8.00"
    assert tree.findtext(".//p:CdtrAcct/p:Id/p:IBAN", namespaces=names) == IBAN
    assert tree.findtext(".//p:EndToEndId", namespaces=names) == items(shop)[0].id.hex
    # at rest neither can be read
    assert IBAN.encode() not in sealed


def test_a_bank_file_needs_a_payer(shop, people, organization):
    terms(organization, payer_sealed=b"")
    shop.postback("t-1")
    batch = create(shop, people)
    with pytest.raises(BusinessRule) as missing:
        approve(shop, batch, people[1])
    assert missing.value.details["reason"] == "payer_missing"
    assert (state(batch), shop.balances()["user_payable:u-1"]) == ("draft", 400)


@pytest.mark.parametrize("iban", ["DE89370400440532013001", "DE8937040044", "XX", ""])
def test_an_iban_with_wrong_digits_is_refused(iban):
    with pytest.raises(ValueError, match="IBAN"):
        iban_read(iban)
    assert iban_read("de89 3704 0044 0532 0130 00") == IBAN
    assert (bic_read(" cobadeff "), bic_read("")) == ("COBADEFF", "")


def test_a_partner_reads_its_users_rewards_and_nobody_elses(shop, people):
    paid_out(shop, people)
    shop.postback("t-2")
    own = Partner(make_key(shop.organization, client=shop.client))
    other = Partner(make_key(shop.organization))

    def read(partner, **query):
        headers = {"x-partner-api-key": partner.issued.raw}
        return partner._client.get("/v1/rewards/user", query, headers=headers)

    answer = read(own, user_id="u-1")
    assert answer.status_code == 200
    body = answer.json()
    assert body["totals"] == [{"currency": "EUR", "queued_minor": 400, "paid_minor": 400, "debt_minor": 0}]
    newest, oldest = body["data"]
    assert (newest["status"], newest["payout"]) == ("queued", None)
    assert (oldest["status"], oldest["payout"]["status"], oldest["payout"]["amount_minor"]) == (
        "paid",
        "paid",
        400,
    )
    assert oldest["campaign_id"] == str(shop.campaign.id)
    assert read(own, user_id="u-1", status="paid").json()["pagination"]["total"] == 1
    assert read(other, user_id="u-1").json()["data"] == []
    assert read(own).status_code == 400
    narrow = Partner(make_key(shop.organization, client=shop.client, scopes=("offers:read",)))
    assert read(narrow, user_id="u-1").status_code == 403
