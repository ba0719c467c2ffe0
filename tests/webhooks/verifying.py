"""Verifiers that others wrote, for webhooks that the real dispatcher sent: PyPI, npm, Node and PHP."""

import base64
import fcntl
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from standardwebhooks import Webhook, WebhookVerificationError

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
    return _asked([program("node"), str(_node_parts() / "verify.mjs"), scheme], received, secret)


def _by_php(scheme: str, received: Received, secret: str) -> bool:
    return _asked([program("php"), "-r", PHP, scheme], received, secret)


def _asked(command: list[str], received: Received, secret: str) -> bool:
    given = {"body": base64.b64encode(received.body).decode(), "headers": received.headers, "secret": secret}
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    assert done.stderr == "", done.stderr
    return done.returncode == 0


def program(name: str) -> str:
    """Where a program is; skips the test by its name where there is none."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def _node_parts() -> Path:
    """The npm packages of the lock file, installed once; skips the test where no registry answers."""
    home = settings.BASE_DIR / "var" / "verifiers"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in ("package.json", "package-lock.json", "verify.mjs"):
            shutil.copy(NODE_PARTS / name, home / name)
        wanted, stamp = (home / "package-lock.json").read_text(), home / "installed"
        if not stamp.exists() or stamp.read_text() != wanted:
            command = [program("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=120)
            if done.returncode:
                pytest.skip(f"npm could not install standardwebhooks: {done.stderr[-300:]}")
            stamp.write_text(wanted)
    return home
