"""Signatures of real deliveries, judged by verifiers that others wrote."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from config import tenancy
from partners.services.clients import webhook_secret_generate, webhook_secret_of, webhook_secret_renew
from tests.factories import make_client
from tests.webhooks.receiver import status
from tests.webhooks.rows import all_deliveries, emit, let_waits_pass, make_callback, make_subscription
from tests.webhooks.verifying import (
    by_contract_b_in_node,
    by_contract_b_in_php,
    by_npm,
    by_pypi,
    by_v1a_in_node,
    by_v1a_in_php,
)
from webhooks.dispatcher import drain
from webhooks.registry import EventType
from webhooks.secrets import (
    SECRET_FIELDS,
    subscription_key_make,
    subscription_public_key,
    subscription_secret_renew,
)

STANDARD = [by_pypi, by_npm]
CONTRACT_B = [by_contract_b_in_node, by_contract_b_in_php]
V1A = [by_v1a_in_node, by_v1a_in_php]
NASTY = {
    "unicode": "שלום — café \u2028\u2029 \x00\x1f\x7f \"\\/",
    "emoji": "👩‍👩‍👧‍👦 \U0001f600",
    "keys": {"10": 1, "9": 2, "b": 3, "01": 4, "": 5, "\ufb33": 6, "😀": 7, "é": 8, "€": {"z": [], "a": {}}},
    "floats": [0.1, 7.50, 1.0, -0.0, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 12.340000000000002],
    "integers": [0, -1, 2**53 - 1, 2**53, -(2**63), 12345678901234567890],
    "nothing": [None, True, False, [], {}, ""],
}  # fmt: skip


def sent(receiver, **given):
    make_callback(receiver.url, **given)
    drain()
    return receiver.received[-1]


@pytest.mark.parametrize("verifies", [*STANDARD, *CONTRACT_B])
def test_a_callback_verifies_with_its_clients_secret_and_no_other(receiver, verifies):
    client = make_client()
    received = sent(receiver, client=client, payload=NASTY)
    assert verifies(received, webhook_secret_of(client))
    assert not verifies(received, webhook_secret_generate())


@pytest.mark.parametrize("verifies", [by_pypi, by_npm, by_contract_b_in_php])
def test_a_changed_body_verifies_with_none(receiver, verifies):
    client = make_client()
    received = sent(receiver, client=client)
    changed = type(received)(received.headers, received.body + b" ")
    assert not verifies(changed, webhook_secret_of(client))


class NastyOut:
    def __init__(self, client):
        self.data = NASTY | {"unicode": "שלום — café \u2028\u2029"}


@pytest.mark.parametrize("verifies", [*STANDARD, *CONTRACT_B])
def test_an_event_verifies_with_its_subscriptions_secret(receiver, verifies):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    secret = renew(subscription)
    emit(client, kind=EventType("client.changed", "For tests.", None, NastyOut))
    drain()
    (received,) = receiver.received
    assert verifies(received, secret)
    data = json.loads(received.body)["data"]
    assert data["integers"][2:4] == [2**53 - 1, str(2**53)]
    assert data["floats"][3:6] == [0, str(10**21), 1e-7]


def renew(subscription, **given):
    """Give a subscription a new secret, with a second of grace for each of `grace_s`."""
    grace_s = given.pop("grace_s", 0)
    old_ends_at = timezone.now() + timedelta(seconds=grace_s) if grace_s else None
    with tenancy.operator():
        secret = subscription_secret_renew(subscription, old_ends_at=old_ends_at)
        subscription.save(update_fields=[*SECRET_FIELDS])
    return secret


@pytest.mark.parametrize("verifies", STANDARD)
def test_during_a_rotation_both_secrets_verify_and_afterwards_the_new_one(receiver, verifies):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    old = renew(subscription)
    new = renew(subscription, grace_s=60)
    emit(client)
    drain()
    assert [verifies(receiver.received[-1], secret) for secret in (old, new)] == [True, True]
    newest = renew(subscription)
    emit(client)
    drain()
    assert [verifies(receiver.received[-1], secret) for secret in (old, new, newest)] == [False, False, True]


@pytest.mark.parametrize("verifies", STANDARD)
def test_a_clients_secret_rotates_alike(receiver, verifies):
    client = make_client()
    old = webhook_secret_of(client)
    with tenancy.operator():
        new = webhook_secret_renew(client, old_ends_at=timezone.now() + timedelta(minutes=1))
        client.save()
    received = sent(receiver, client=client)
    assert [verifies(received, secret) for secret in (old, new)] == [True, True]


@pytest.mark.parametrize("verifies", CONTRACT_B)
def test_who_knows_either_secret_alone_gets_every_webhook_of_contract_b(receiver, verifies):
    """The one signature of X-Partner-Signature takes turns while a secret is rotated."""
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    old = renew(subscription)
    new = renew(subscription, grace_s=60)
    receiver.answers = [status(401)]
    emit(client)
    for _ in range(3):
        drain()
        let_waits_pass()
    first, second, third = receiver.received[:3]
    assert [verifies(received, new) for received in (first, second, third)] == [True, False, True]
    assert [verifies(received, old) for received in (first, second, third)] == [False, True, False]


@pytest.mark.parametrize("verifies", V1A)
def test_v1a_verifies_with_the_public_key(receiver, verifies):
    client = make_client()
    subscription = make_subscription(receiver.url, client=client)
    subscription_key_make(subscription)
    renew(subscription)
    public_key = subscription_public_key(subscription)
    assert public_key.startswith("whpk_")
    renew(subscription, grace_s=60)
    emit(client)
    drain()
    (received,) = receiver.received
    assert [one.split(",")[0] for one in received.headers["webhook-signature"].split()] == [
        "v1",
        "v1",
        "v1a",
        "v1a",
    ]
    assert verifies(received, public_key), "the old key still signs"
    assert verifies(received, subscription_public_key(subscription))
    changed = type(received)(received.headers, received.body + b" ")
    assert not verifies(changed, public_key)


def test_a_body_that_no_json_holds_is_refused_and_nothing_is_sent(receiver):
    for value in ("\ud800", float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            make_callback(receiver.url, payload={"value": value})
    drain()
    assert (receiver.received, all_deliveries()) == ([], [])


def test_numbers_that_javascript_would_change_are_sent_as_text(receiver):
    """RFC 8785 refuses them; appendix D has them sent as strings, so that no digit is lost."""
    received = sent(receiver, payload={"numbers": [2**53 - 1, 2**53, -(2**53), 1e21, -0.0, 1e-7, 0.1]})
    assert (
        received.body
        == b'{"numbers":[9007199254740991,"9007199254740992","-9007199254740992",1e+21,0,1e-7,0.1]}'
    )
