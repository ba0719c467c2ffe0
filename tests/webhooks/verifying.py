"""Verifiers that others wrote, for webhooks that the real dispatcher sent: PyPI, npm, Node and PHP."""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

from tests.programs import node_parts, program
from tests.webhooks.receiver import Received

NODE_PARTS = Path(__file__).parent / "verifiers"
PHP = """
['body' => $body, 'headers' => $headers, 'secret' => $secret] = json_decode(stream_get_contents(STDIN), true);
$body = base64_decode($body);
$right = match ($argv[1]) {
    'contractB' => hash_equals(hash_hmac('sha256', $body, $secret), $headers['x-partner-signature']),
    'v1a' => (function () use ($body, $headers, $secret) {
        $message = "{$headers['webhook-id']}.{$headers['webhook-timestamp']}.$body";
        preg_match_all('/v1a,(\\\\S+)/', $headers['webhook-signature'], $found);
        return array_filter($found[1], fn ($one) => sodium_crypto_sign_verify_detached(
            base64_decode($one), $message, base64_decode(substr($secret, 5))));
    })(),
};
exit($right ? 0 : 1);
"""
Verifier = Callable[[Received, str], bool]


def by_pypi(received: Received, secret: str) -> bool:
    try:
        Webhook(secret).verify(received.body, received.headers)
    except WebhookVerificationError:
        return False
    return True


def by_npm(received: Received, secret: str) -> bool:
    return _by_node("standardwebhooks", received, secret)


def by_contract_b_in_node(received: Received, secret: str) -> bool:
    return _by_node("contractB", received, secret)


def by_v1a_in_node(received: Received, secret: str) -> bool:
    return _by_node("v1a", received, secret)


def by_contract_b_in_php(received: Received, secret: str) -> bool:
    return _by_php("contractB", received, secret)


def by_v1a_in_php(received: Received, secret: str) -> bool:
    return _by_php("v1a", received, secret)


def _by_node(scheme: str, received: Received, secret: str) -> bool:
    return _asked([program("node"), str(node_parts(NODE_PARTS) / "verify.mjs"), scheme], received, secret)


def _by_php(scheme: str, received: Received, secret: str) -> bool:
    return _asked([program("php"), "-r", PHP, scheme], received, secret)


def _asked(command: list[str], received: Received, secret: str) -> bool:
    given = {"body": base64.b64encode(received.body).decode(), "headers": received.headers, "secret": secret}
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    assert done.stderr == "", done.stderr
    return done.returncode == 0
