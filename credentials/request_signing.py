"""Signed requests (contract 0.5): proof that the body, or the whole request, is the key holder's."""

import hashlib
import hmac
import time

import redis
from django.http import HttpRequest

from config.api.exceptions import ServiceUnavailable, Unauthorized
from credentials.models import ApiKey
from credentials.snapshots import Snapshot
from credentials.store import store

WINDOW_S = 300


def signature_check(request: HttpRequest, credential: Snapshot) -> None:
    """Verify `x-partner-signature` as the key's signing mode asks.

    "body": HMAC-SHA256 of the raw body. "timestamped": of `timestamp.METHOD.path?query.body`, where
    `x-partner-timestamp` is within 300 s and each signature counts once, in every process. After a
    rotation the old secret verifies too until its end.
    Raises Unauthorized (401), and ServiceUnavailable (503) when a repetition cannot be ruled out.
    """
    signature = request.META.get("HTTP_X_PARTNER_SIGNATURE", "").strip().removeprefix("sha256=")
    signed = request.body
    if credential.signing_mode == ApiKey.SigningMode.TIMESTAMPED:
        timestamp = request.META.get("HTTP_X_PARTNER_TIMESTAMP", "").strip()
        if not (timestamp.isascii() and timestamp.isdigit()) or abs(time.time() - int(timestamp)) > WINDOW_S:
            raise Unauthorized("x-partner-timestamp is missing, malformed or not of these five minutes.")
        signed = f"{timestamp}.{request.method}.{request.get_full_path()}.".encode() + signed
    verified = False
    for secret in _live_secrets(credential):
        expected = hmac.new(secret, signed, hashlib.sha256).hexdigest()
        verified |= hmac.compare_digest(expected.encode(), signature.encode())
    if not verified:
        raise Unauthorized("x-partner-signature is missing or wrong.")
    if credential.signing_mode == ApiKey.SigningMode.TIMESTAMPED:
        _use_once(credential, signature)


def _live_secrets(credential: Snapshot) -> tuple[bytes, ...]:
    if credential.previous_signing_secret_ends_at > time.time():
        return credential.signing_secret, credential.previous_signing_secret
    return (credential.signing_secret,)


def _use_once(credential: Snapshot, signature: str) -> None:
    name = f"hub:signature:{{{credential.key_id}}}:{signature}"
    try:
        # a timestamp may lie 300 s ahead of us, so its signature is good for 600 s
        fresh = store.set(name, b"", nx=True, ex=2 * WINDOW_S)
    except redis.RedisError as error:
        raise ServiceUnavailable(retryAfter=1) from error
    if not fresh:
        raise Unauthorized("This signature was used already.")
