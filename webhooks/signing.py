"""The headers that let a receiver verify who sent a webhook, and that it is fresh.

Two schemes beside each other: contract B's (HMAC over the body under the secret as shown) and
Standard Webhooks (https://www.standardwebhooks.com: HMAC over id, time and body under the decoded
secret).
"""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
USER_AGENT = "PartnerHub-Webhooks/1"


def signed_headers(
    *, body: bytes, secret: str, webhook_id: str, attempt_number: int, timestamp: int
) -> dict[str, str]:
    """All headers of one attempt; `timestamp` in unix seconds, `attempt_number` from 1."""
    message = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    standard = base64.b64encode(hmac.digest(_standard_key(secret), message, "sha256")).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Partner-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "X-Webhook-Attempt": str(attempt_number),
        "X-Webhook-ID": webhook_id,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{standard}",
    }


def _standard_key(secret: str) -> bytes:
    """The bytes behind `whsec_`; a secret in no base64 (WEBHOOK_SECRET may be any text) is its own
    key.
    """
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()
