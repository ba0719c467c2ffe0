"""Signatures, as partners verify them."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from partners.services.clients import webhook_secret_generate, webhook_secret_of
from tests.factories import make_client
from tests.webhooks.rows import make_callback
from webhooks.dispatcher import drain
from webhooks.signing import Signers, signed_headers

ROOT = Path(__file__).resolve().parents[2]
NODE = shutil.which("node")
# Contract B's snippet: the partner serialises the parsed body again.
SNIPPET = """
const crypto = require('crypto');
const [secret, signature] = process.argv.slice(1);
const body = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const mine = crypto.createHmac('sha256', secret).update(JSON.stringify(body)).digest('hex');
process.exit(crypto.timingSafeEqual(Buffer.from(mine), Buffer.from(signature)) ? 0 : 1);
"""
PAYLOAD = {
    "job_id": "1",
    "results": {"transcript": "שלום — café", "scores": {"10": 1.0, "2": 0.1, "overall": 7.50}},
}


@pytest.fixture
def delivered(receiver):
    """What a partner received, and its secret."""
    client = make_client()
    make_callback(receiver.url, client=client, payload=PAYLOAD)
    drain()
    (received,) = receiver.received
    return received, webhook_secret_of(client)


def test_the_raw_body_verifies_with_the_secret_as_shown(delivered):
    received, secret = delivered
    assert secret.startswith("whsec_")
    expected = hmac.new(secret.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["x-partner-signature"] == expected


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_node_snippet_verifies_the_body_it_serialised_again(delivered):
    received, secret = delivered
    arguments = [NODE, "-e", SNIPPET, secret]
    signature = received.headers["x-partner-signature"]
    assert subprocess.run([*arguments, signature], input=received.body).returncode == 0
    assert subprocess.run([*arguments, "0" * 64], input=received.body).returncode == 1


def test_the_standard_webhooks_library_verifies_it(delivered):
    received, secret = delivered
    assert Webhook(secret).verify(received.body, received.headers) == PAYLOAD
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body + b" ", received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook_secret_generate()).verify(received.body, received.headers)


def test_the_example_receiver_verifies_and_refuses(delivered):
    received, secret = delivered
    code = (
        "import sys, json; sys.path.insert(0, 'examples'); import receiver;"
        "given = json.load(sys.stdin);"
        "print(receiver.problem(given['body'].encode(), given['headers'], given['secret']))"
    )

    def problem(**changed):
        given = {
            "body": received.body.decode(),
            "headers": received.headers,
            "secret": secret,
        } | changed
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert problem() == ""
    assert "X-Partner-Signature" in problem(secret=webhook_secret_generate())
    assert "X-Partner-Signature" in problem(body=received.body.decode() + " ")
    forged = received.headers | {"webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()}
    assert "webhook-signature" in problem(headers=forged)
    old = signed_headers(
        body=received.body,
        signers=Signers((secret,)),
        webhook_id="1",
        attempt_number=1,
        timestamp=int(time.time()) - 600,
    )
    assert "old" in problem(headers={name.lower(): value for name, value in old.items()})


def test_a_secret_in_plain_text_signs_too():
    """WEBHOOK_SECRET, the hub's own, may be any text."""
    headers = signed_headers(
        body=b"{}", signers=Signers(("plain text",)), webhook_id="1", attempt_number=1, timestamp=5
    )
    expected = hmac.digest(b"plain text", b"1.5.{}", "sha256")
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
