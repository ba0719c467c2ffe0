"""Which postbacks a network's door takes: how they are written, from whom, and with which secret."""

import pytest

from catalog.models import AffiliateNetwork
from config import tenancy
from credentials.limits import ANONYMOUS
from rewards.postback_doors import _doors
from tests.conversions import SECRET, count, make_shop
from tests.factories import make_organization


@pytest.mark.parametrize("send", ["query", "form", "json", "header"])
def test_it_is_taken_by_get_form_and_json(shop, send):
    parameters = {"transaction_id": "t-1", "clickid": f"{shop.link.code}.x", "commission": "3.21"}
    address = f"/postbacks/{shop.network.slug}"
    if send == "query":
        answer = shop.browser.get(address, parameters | {"token": SECRET})
    elif send == "form":
        answer = shop.browser.post(address, parameters | {"token": SECRET})
    elif send == "json":
        body = parameters | {"token": SECRET, "commission": 3.21}
        answer = shop.browser.post(address, body, content_type="application/json")
    else:
        answer = shop.browser.get(address, parameters, headers={"X-Postback-Secret": SECRET})
    assert answer.status_code == 200, answer.content
    assert shop.conversion("t-1").commission_minor == 321


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"txn_id": ""}, "transaction_id"),
        ({"txn_id": "x" * 121}, "transaction_id"),
        ({"txn_id": "a\x00b"}, None),
        ({"payout": "-1"}, "payout"),
        ({"payout": "1e5"}, "payout"),
        ({"payout": "9" * 13}, "payout"),
        ({"sale_amount": "ten"}, "sale_amount"),
        ({"currency": "EURO"}, "currency"),
        ({"status": "maybe"}, "status"),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_kept(shop, wrong, field):
    answer = shop.postback(**wrong)
    assert answer.status_code == 400
    assert field is None or field in answer.json()["details"]
    assert count(shop) == 0


def test_a_wrong_secret_is_refused_and_soon_the_address(shop):
    for name, secret in ((shop.network.id, "wrong"), (shop.network.id, ""), ("unknown", SECRET)):
        answer = shop.browser.get(f"/postbacks/{name}", {"txn_id": "t-1", "payout": "1", "secret": secret})
        assert answer.status_code == 401
        assert answer.json()["error"] == "UNAUTHORIZED"
    for _ in range(ANONYMOUS.per_minute):
        answer = shop.postback(secret="guess")
    assert answer.status_code == 429
    assert count(shop) == 0
    # its own postbacks go on
    assert shop.postback().status_code == 200


def test_a_network_without_a_secret_or_switched_off_admits_nobody(shop):
    for change in ({"is_enabled": False}, {"is_enabled": True, "postback_secret_sealed": b""}):
        with tenancy.operator():
            AffiliateNetwork.objects.filter(id=shop.network.id).update(**change)
        _doors.clear()
        assert shop.postback().status_code == 401
        assert shop.postback(secret="").status_code == 401
    assert count(shop) == 0


def test_it_comes_from_the_networks_addresses_only(organization):
    shop = make_shop(organization, postback_ip_allowlist=["10.1.0.0/16", "192.0.2.7"])
    assert shop.postback().status_code == 403
    assert count(shop) == 0
    answer = shop.browser.get(
        f"/postbacks/{shop.network.id}",
        {"txn_id": "t", "payout": "1", "secret": SECRET},
        REMOTE_ADDR="10.1.9.9",
    )
    assert answer.status_code == 200


def test_two_organizations_call_their_networks_alike(organization):
    mine = make_shop(organization, slug="trackier")
    other = make_shop(
        make_organization(),
        slug="trackier",
        postback_secret_sealed=mine.network.postback_secret_sealed,
    )
    with tenancy.operator():
        AffiliateNetwork.objects.filter(id=other.network.id).update(postback_secret_sealed=b"")
    _doors.clear()
    parameters = {"txn_id": "t-1", "payout": "1", "secret": SECRET, "click_id": f"{mine.link.code}.x"}
    assert mine.browser.get("/postbacks/trackier", parameters).status_code == 200
    assert (count(mine), count(other)) == (1, 0)


def test_other_methods_are_refused(shop):
    assert shop.browser.delete(f"/postbacks/{shop.network.id}").status_code == 405
