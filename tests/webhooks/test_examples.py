"""The receivers under examples/, as a partner runs them: they take our webhooks and nobody else's."""

import http.client
import os
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from config import tenancy
from partners.services.clients import webhook_secret_generate, webhook_secret_of
from tests.factories import make_client
from tests.processes import free_port, wait_until
from tests.programs import program
from tests.webhooks.rows import delivery_now, emit, make_callback, make_subscription
from webhooks.dispatcher import drain
from webhooks.models import Delivery
from webhooks.secrets import subscription_key_make, subscription_public_key
from webhooks.signing import Signers, signed_headers

EXAMPLES = settings.BASE_DIR / "examples"
PAYLOAD = {"job_id": "7", "results": {"transcript": "שלום — café 😀", "scores": {"10": 1.0, "2": 0.1}}}
ASK_PYTHON = """
import os, sys
sys.path.insert(0, "examples")
from receiver import body_is_signed
headers = {"x-partner-signature": os.environ["SIGNATURE"]}
print(body_is_signed(os.environb[b"BODY"], headers, [os.environ["SECRET"]]))
"""
ASK_NODE = """
const { bodyIsSigned } = await import(`${process.cwd()}/examples/receiver.mjs`);
const { BODY, SIGNATURE, SECRET } = process.env;
console.log(bodyIsSigned(Buffer.from(BODY), { "x-partner-signature": SIGNATURE }, [SECRET]));
"""
ASK_PHP = """
require 'examples/receiver.php';
$headers = ['x-partner-signature' => getenv('SIGNATURE')];
echo body_is_signed(getenv('BODY'), $headers, [getenv('SECRET')]) ? 'true' : 'false';
"""


class Example:
    """One of them, started with these secrets."""

    def __init__(self, language, secrets):
        port = str(free_port())
        command = {
            "python": [sys.executable, str(EXAMPLES / "receiver.py"), "--port", port],
            "node": [program("node"), str(EXAMPLES / "receiver.mjs"), "--port", port],
            "php": [program("php"), "-S", f"127.0.0.1:{port}", str(EXAMPLES / "receiver.php")],
        }[language]
        self.url = f"http://127.0.0.1:{port}/hooks"
        self._process = subprocess.Popen(
            command,
            env=os.environ | {"HUB_WEBHOOK_SECRET": " ".join(secrets)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        wait_until(self._listens, seconds=20, every=0.05)

    def _listens(self):
        try:
            self.post(b"", {})
        except OSError:
            return False
        return True

    def post(self, body, headers):
        """The status it answers."""
        there = urlsplit(self.url)
        connection = http.client.HTTPConnection(there.hostname, there.port, timeout=10)
        connection.request("POST", there.path, body, headers)
        return connection.getresponse().status

    def end(self):
        """End it; answers what it printed."""
        self._process.terminate()
        return self._process.communicate(timeout=10)[0].decode()


@pytest.fixture(params=["python", "node", "php"])
def language(request):
    return request.param


@pytest.fixture
def started():
    examples = []

    def start(language, *secrets):
        examples.append(Example(language, secrets))
        return examples[-1]

    yield start
    for example in examples:
        example.end()


def test_a_delivery_of_ours_is_taken_also_during_a_rotation(language, started):
    client = make_client()
    example = started(language, webhook_secret_generate(), webhook_secret_of(client))
    delivery = make_callback(example.url, client=client, payload=PAYLOAD)
    drain()
    assert (delivery_now(delivery).status, delivery_now(delivery).response_code) == ("DELIVERED", 204)
    assert "verified" in example.end()


def test_a_delivery_of_somebody_else_is_not(language, started):
    example = started(language, webhook_secret_generate())
    delivery = make_callback(example.url, payload=PAYLOAD)
    drain()
    assert (delivery_now(delivery).status, delivery_now(delivery).response_code) == ("RETRYING", 401)
    assert "webhook-signature is wrong" in example.end()


def test_forged_and_old_webhooks_are_refused(language, started):
    secret = webhook_secret_generate()
    example = started(language, secret)

    def headers(timestamp=None, **changed):
        made = signed_headers(
            body=b"{}",
            signers=Signers((secret,)),
            webhook_id="1",
            attempt_number=1,
            timestamp=timestamp or int(time.time()),
        )
        return made | {name.replace("_", "-"): value for name, value in changed.items()}

    assert example.post(b"{}", headers()) == 204
    assert example.post(b"{} ", headers()) == 401
    assert example.post(b"{}", headers(timestamp=int(time.time()) - 600)) == 401
    assert example.post(b"{}", headers(webhook_id="2")) == 401
    assert example.post(b"{}", headers(webhook_timestamp=str(int(time.time()) + 1))) == 401
    for signature in ("", "v1", "v1,", "v1,AAAA", "v2,x", "v1,caf\xe9", "v1a,AAAA", ",,,", "v1," + "A" * 44):
        assert example.post(b"{}", headers(webhook_signature=signature)) == 401, signature
    assert example.post(b"{}", headers()) == 204, "it goes on"


@pytest.mark.parametrize("language", ["node", "php"], indirect=True)
def test_the_public_key_takes_v1a(language, started):
    client = make_client()
    subscription = make_subscription("http://127.0.0.1/", client=client)
    subscription_key_make(subscription)
    example = started(language, subscription_public_key(subscription))
    subscription.url = example.url
    with tenancy.operator():
        subscription.save()
    emit(client)
    drain()
    with tenancy.operator():
        assert Delivery.objects.get().status == "DELIVERED"


def test_the_bodys_own_signature_is_checked_by_each(language):
    """X-Partner-Signature, as the examples' other function reads it."""
    secret, body = webhook_secret_generate(), b'{"a":1}'
    headers = signed_headers(
        body=body, signers=Signers((secret,)), webhook_id="1", attempt_number=1, timestamp=1
    )
    signature = headers["X-Partner-Signature"]
    command = {
        "python": [sys.executable, "-c", ASK_PYTHON],
        "node": [program("node"), "--input-type=module", "-e", ASK_NODE],
        "php": [program("php"), "-r", ASK_PHP],
    }[language]

    def said(**changed):
        given = {"BODY": body.decode(), "SIGNATURE": signature, "SECRET": secret} | changed
        done = subprocess.run(
            command, env=os.environ | given, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
        )
        return done.stdout.strip().lower()

    assert said() == "true"
    wrong = ({"BODY": '{"a":2}'}, {"SIGNATURE": "0" * 64}, {"SIGNATURE": "x"}, {"SECRET": "whsec_other"})
    assert [said(**changed) for changed in wrong] == ["false"] * 4
