"""The headers of an attempt; test_verifiers.py has what others make of them."""

import base64
import hashlib
import hmac

import pytest

from webhooks.signing import Signers, public_key_of, signed_headers

OLD, NEW = "whsec_b2xkIHNlY3JldA==", "whsec_bmV3IHNlY3JldA=="
BODY = b'{"a":1}'


def headers_of(*secrets, attempt_number=1, private_keys=(), **given):
    return signed_headers(
        body=BODY,
        signers=Signers(secrets, private_keys),
        webhook_id="7",
        attempt_number=attempt_number,
        timestamp=5,
        **given,
    )


def standard(key):
    return "v1," + base64.b64encode(hmac.digest(key, b"7.5." + BODY, "sha256")).decode()


def test_one_secret_signs_by_both_schemes():
    headers = headers_of(NEW, attempt_number=3)
    assert headers["X-Partner-Signature"] == hmac.new(NEW.encode(), BODY, hashlib.sha256).hexdigest()
    assert headers["webhook-signature"] == standard(b"new secret")
    assert (headers["webhook-id"], headers["X-Webhook-ID"], headers["webhook-timestamp"]) == ("7", "7", "5")
    assert headers["X-Webhook-Attempt"] == "3"


def test_two_secrets_sign_beside_each_other_the_newest_first():
    assert headers_of(NEW, OLD)["webhook-signature"] == f"{standard(b'new secret')} {standard(b'old secret')}"


def test_the_signature_of_contract_b_takes_turns_while_there_are_two():
    turns = [headers_of(NEW, OLD, attempt_number=number)["X-Partner-Signature"] for number in (1, 2, 3)]
    new, old = (headers_of(secret)["X-Partner-Signature"] for secret in (NEW, OLD))
    assert turns == [new, old, new]


def test_a_secret_in_plain_text_signs_too():
    """WEBHOOK_SECRET, the hub's own, may be any text."""
    assert headers_of("plain text")["webhook-signature"] == standard(b"plain text")


def test_a_key_signs_by_v1a_beside_the_secret():
    """RFC 8032, 7.1, test 1: the key pair."""
    private = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert public_key_of(private) == "whpk_" + base64.b64encode(public).decode()
    v1, v1a = headers_of(NEW, private_keys=(private,))["webhook-signature"].split()
    assert v1 == standard(b"new secret")
    assert len(base64.b64decode(v1a.removeprefix("v1a,"))) == 64


@pytest.mark.parametrize("name", ["webhook-id", "Webhook-Signature", "X-PARTNER-SIGNATURE", "content-type"])
def test_a_receivers_own_headers_replace_none_of_ours(name):
    headers = headers_of(NEW, extra={name: "mine", "X-Route": "a"})
    assert headers | {"X-Route": "a"} == headers
    assert "mine" not in headers.values()
