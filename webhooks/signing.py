"""The headers that let a receiver verify who sent a webhook, and that it is fresh.

Two schemes beside each other: contract B's (HMAC over the body under the secret as shown) and Standard
Webhooks (https://www.standardwebhooks.com: over id, time and body; `v1` is an HMAC under the decoded secret,
`v1a` an Ed25519 signature). While a secret is being rotated both the new and the old one sign.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "whsec_"
PUBLIC_PREFIX = "whpk_"
USER_AGENT = "PartnerHub-Webhooks/1"
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Signers:
    """What signs a delivery now, the newest first: secrets as shown, and 32-byte Ed25519 private keys."""

    secrets: tuple[str, ...]
    private_keys: tuple[bytes, ...] = ()


def signed_headers(
    *,
    body: bytes,
    signers: Signers,
    webhook_id: str,
    attempt_number: int,
    timestamp: int,
    extra: Mapping[str, str] = _NO_HEADERS,
) -> dict[str, str]:
    """All headers of one attempt; `timestamp` in unix seconds, `attempt_number` from 1.

    `extra` are the receiver's own and stand behind ours: none of them replaces one. `X-Partner-Signature` has
    room for one signature: during a rotation the newest secret's in the first attempt, the old one's in the
    second, and so on, so that who knows either secret alone gets every webhook.
    """
    own_turn = signers.secrets[(attempt_number - 1) % len(signers.secrets)]
    message = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    signatures = [_hmac(_standard_key(secret), message) for secret in signers.secrets]
    signatures += ["v1a," + _base64(_ed25519(key).sign(message)) for key in signers.private_keys]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Partner-Signature": hmac.digest(own_turn.encode(), body, "sha256").hex(),
        "X-Webhook-Attempt": str(attempt_number),
        "X-Webhook-ID": webhook_id,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
    if extra:
        taken = {name.lower() for name in headers}
        headers |= {name: value for name, value in extra.items() if name.lower() not in taken}
    return headers


def public_key_of(private_key: bytes) -> str:
    """The public half of a 32-byte Ed25519 private key, as receivers are given it: `whpk_` and base64."""
    return PUBLIC_PREFIX + _base64(_ed25519(private_key).public_key().public_bytes_raw())


def _hmac(key: bytes, message: bytes) -> str:
    return "v1," + _base64(hmac.digest(key, message, "sha256"))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@lru_cache(maxsize=4096)
def _ed25519(private_key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(private_key)


@lru_cache(maxsize=4096)
def _standard_key(secret: str) -> bytes:
    """The bytes behind `whsec_`; a secret in no base64 (WEBHOOK_SECRET may be any text) is its own key."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()
