"""Postbacks that come while others of their network are taken in: one message, each with its own outcome."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from config import tenancy
from rewards.models import Conversion
from rewards.services import arrivals, gathering
from tests.conversions import events, in_thread, make_shop
from tests.factories import SANDBOX
from tests.processes import wait_until


class Crowd:
    """Postbacks of which the first is held up until all the others wait for it."""

    def __init__(self, monkeypatch):
        self.taken: list[int] = []
        self._others = 0
        self._settle = gathering.postbacks_settle
        monkeypatch.setattr(gathering, "postbacks_settle", self._held_up)

    def _held_up(self, **given):
        self.taken.append(len(given["postbacks"]))
        if len(self.taken) == 1:
            wait_until(lambda: self._waiting() == self._others, seconds=20, every=0.01)
        return self._settle(**given)

    def _waiting(self):
        return sum(len(gate.waiting) for gate in gathering._gates.values())

    def come(self, shop, *transactions, **clicks):
        """What each is answered. `clicks` says what brought a transaction, if not the shop's link."""

        def ask(transaction):
            click = clicks.get(transaction)
            return shop.postback(transaction, **({"click_id": click} if click else {}))

        self.taken.clear()
        self._others = len(transactions) - 1
        with ThreadPoolExecutor(len(transactions)) as pool:
            answers = [pool.submit(in_thread(ask), transaction) for transaction in transactions]
            return [answer.result() for answer in answers]


@pytest.fixture
def crowd(monkeypatch):
    return Crowd(monkeypatch)


def results(answers):
    assert {answer.status_code for answer in answers} == {200}
    return sorted(answer.json()["result"] for answer in answers)


def commits(shop):
    """In how many transactions the conversions were written."""
    with tenancy.tenant(shop.organization.id, SANDBOX):
        return len(set(Conversion.objects.extra(select={"x": "xmin::text"}).values_list("x", flat=True)))


def test_those_that_wait_are_booked_together_each_once(shop, crowd):
    answers = crowd.come(shop, *(f"t-{number}" for number in range(14)))
    assert results(answers) == ["recorded"] * 14
    assert (crowd.taken, commits(shop)) == ([1, 8, 5], 3)
    assert {answer.json()["conversion_id"] for answer in answers} == {
        str(shop.conversion(f"t-{number}").id) for number in range(14)
    }
    assert shop.balances() == {
        "network_receivable": 14_000,
        "platform_revenue": 2_800,
        "partner_payable": 5_600,
        "user_payable:u-1": 5_600,
    }
    assert [shop.history(f"t-{number}") for number in range(14)] == [["approved"]] * 14
    assert events(shop.organization) == ["reward.queued"] * 14
    assert shop.differences() == []
    assert gathering._gates == {}


def test_two_of_one_transaction_among_them_are_one_conversion(shop, crowd):
    answers = crowd.come(shop, "t-0", "t-1", "t-2", "t-1", "t-2", "t-2")
    assert results(answers) == ["duplicate"] * 3 + ["recorded"] * 3
    assert crowd.taken == [1, 5]
    assert shop.balances()["network_receivable"] == 3_000
    assert shop.differences() == []


def test_what_is_new_known_pending_and_unattributed_goes_together(shop, crowd):
    """References differ, too: a link's code, a click that nobody made, and what is neither."""
    shop.postback("known")
    shop.postback("pending", status="pending")
    click = "0198f0a0-0000-7000-8000-000000000000"
    answers = crowd.come(
        shop, "first", "known", "pending", "new", "clicked", "lost", clicked=click, lost="nobody"
    )
    assert results(answers) == ["duplicate", "recorded", "recorded", "recorded", "recorded", "updated"]
    assert crowd.taken == [1, 5]
    assert [shop.conversion(one).held_for for one in ("clicked", "lost")] == ["unattributed"] * 2
    assert shop.conversion("new").campaign_id == shop.campaign.id
    assert shop.history("pending") == ["received", "approved"]
    assert shop.balances()["network_receivable"] == 4_000
    assert shop.differences() == []


def test_one_that_the_database_refuses_harms_no_other(shop, crowd, monkeypatch):
    """Another process recorded it between what was read and what is written."""
    shop.postback("t-2")
    real = arrivals.arrivals_of

    def stale(network, postbacks):
        return [arrival._replace(conversion=None) for arrival in real(network, postbacks)]

    monkeypatch.setattr(arrivals, "arrivals_of", stale)
    answers = crowd.come(shop, "t-0", "t-1", "t-2", "t-3")
    assert results(answers) == ["duplicate", "recorded", "recorded", "recorded"]
    assert sorted(crowd.taken) == [1, 1, 1, 1, 3]
    assert shop.balances()["network_receivable"] == 4_000
    assert events(shop.organization) == ["reward.queued"] * 4
    assert shop.differences() == []


def test_each_meets_its_own_error(shop, crowd, monkeypatch):
    real = arrivals.first_booking

    def booking(*, conversion, **given):
        if conversion.network_transaction_id == "t-bad":
            raise RuntimeError
        return real(conversion=conversion, **given)

    monkeypatch.setattr(arrivals, "first_booking", booking)
    answers = crowd.come(shop, "t-0", "t-1", "t-bad", "t-3")
    assert [answer.status_code for answer in answers] == [200, 200, 500, 200]
    assert shop.balances()["network_receivable"] == 3_000
    assert shop.postback("t-bad").status_code == 500
    monkeypatch.setattr(arrivals, "first_booking", real)
    assert results([shop.postback("t-bad")]) == ["recorded"]
    assert shop.differences() == []


def test_networks_do_not_wait_for_each_other(shop, monkeypatch):
    other = make_shop()
    goes_on, settle = threading.Event(), gathering.postbacks_settle

    def held_up(*, network, **given):
        if network.id == shop.network.id:
            goes_on.wait(20)
        return settle(network=network, **given)

    monkeypatch.setattr(gathering, "postbacks_settle", held_up)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(in_thread(lambda: shop.postback("t-1")))
        wait_until(lambda: gathering._gates, seconds=20, every=0.01)
        assert results([other.postback("t-1")]) == ["recorded"]
        assert not slow.done()
        goes_on.set()
        assert results([slow.result()]) == ["recorded"]
