"""A web process killed in the middle of a network's postbacks."""

import threading
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from config import tenancy
from rewards.models import Conversion
from tests.conversions import SECRET, make_shop
from tests.factories import SANDBOX
from tests.processes import Web

POSTBACKS = 200
KILLED_AFTER = 60


def test_each_sale_is_credited_once_whatever_the_killed_process_had_done():
    shop = make_shop()
    booked: set[str] = set()
    enough = threading.Event()

    def report(number: int) -> None:
        given = {"txn_id": f"t-{number}", "click_id": f"{shop.link.code}.x", "payout": "10.00"}
        asked = urllib.parse.urlencode(given | {"status": "approved", "secret": SECRET})
        try:
            with urllib.request.urlopen(f"{web.url}/postbacks/{shop.network.id}?{asked}", timeout=20):
                booked.add(f"t-{number}")
        except (OSError, urllib.error.URLError):
            return
        if len(booked) >= KILLED_AFTER:
            enough.set()

    with Web() as web, ThreadPoolExecutor(8) as network:
        asked = [network.submit(report, number) for number in range(POSTBACKS)]
        assert enough.wait(30)
        web.kill()
        for one in asked:
            one.result()
    assert KILLED_AFTER <= len(booked) < POSTBACKS, "killed in the middle"
    with tenancy.tenant(shop.organization.id, SANDBOX):
        known = set(Conversion.objects.values_list("network_transaction_id", flat=True))
    assert booked <= known, "what was answered is in the books"

    for number in range(POSTBACKS):
        assert shop.postback(f"t-{number}").status_code == 200
    assert len(shop.rewards(kind="user")) == POSTBACKS
    sold = POSTBACKS * 1_000
    assert shop.balances() == {
        "network_receivable": sold,
        "platform_revenue": sold * 20 // 100,
        "partner_payable": sold * 40 // 100,
        "user_payable:u-1": sold * 40 // 100,
    }
    assert shop.differences() == []
