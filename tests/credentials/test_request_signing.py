"""Contract 0.5: a key may require its requests to be signed."""

import hashlib
import hmac
import json
import time

import pytest

from tests.factories import make_key
from tests.partner import BASE, Partner


@pytest.fixture
def signer(organization):
    """A partner whose key asks for signatures, and a function that makes them."""

    def build(mode):
        issued = make_key(organization, signing_mode=mode)
        assert issued.signing_secret.startswith("whsec_")

        def sign(message):
            return hmac.new(issued.signing_secret.encode(), message, hashlib.sha256).hexdigest()

        return Partner(issued), sign

    return build


def company(partner, headers, name="Northwind"):
    return partner.post("/companies/create", raw=json.dumps({"name": name}).encode(), headers=headers)


BODY = json.dumps({"name": "Northwind"}).encode()


def test_body_mode(signer):
    partner, sign = signer("body")
    for signature in (sign(BODY), f"sha256={sign(BODY)}"):
        assert company(partner, {"x-partner-signature": signature}).status_code == 201
    assert partner.get("/health", headers={"x-partner-signature": sign(b"")}).status_code == 200
    for headers in (
        {},
        {"x-partner-signature": sign(b"another body")},
        {"x-partner-signature": sign(BODY).upper()},
        {"x-partner-signature": "caf\u00e9"},
    ):
        answer = company(partner, headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHORIZED"), headers
    listed = partner.get("/companies", headers={"x-partner-signature": sign(b"")}).json()
    assert listed["total"] == 2


def timestamped(sign, *, at=None, method="POST", path=f"{BASE}/companies/create", body=BODY):
    timestamp = str(int(time.time() if at is None else at))
    message = f"{timestamp}.{method}.{path}.".encode() + body
    return {"x-partner-timestamp": timestamp, "x-partner-signature": sign(message)}


def test_timestamped_mode_covers_time_method_path_query_and_body(signer):
    partner, sign = signer("timestamped")
    assert company(partner, timestamped(sign)).status_code == 201
    query = f"{BASE}/companies?limit=5"
    headers = timestamped(sign, method="GET", path=query, body=b"")
    assert partner.get("/companies", limit=5, headers=headers).status_code == 200
    now = time.time()
    for headers in (
        {},
        timestamped(sign, at=now - 301),
        timestamped(sign, at=now + 302),
        timestamped(sign, method="PUT"),
        timestamped(sign, path=f"{BASE}/companies"),
        timestamped(sign, body=b"{}"),
        timestamped(sign) | {"x-partner-timestamp": str(int(now) - 1)},
        timestamped(sign) | {"x-partner-timestamp": "now"},
        {"x-partner-signature": sign(BODY)},
    ):
        assert company(partner, headers).status_code == 401, headers


def test_a_timestamped_signature_counts_once(signer):
    partner, sign = signer("timestamped")
    headers = timestamped(sign)
    assert company(partner, headers).status_code == 201
    assert company(partner, headers).status_code == 401


def test_an_unsigned_request_of_a_key_that_need_not_sign_is_fine(partner):
    assert partner.get("/health").status_code == 200
