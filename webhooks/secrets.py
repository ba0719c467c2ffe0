"""The secrets, keys and own headers of subscriptions: sealed, and opened again to sign and to send."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

import orjson
from django.utils import timezone

from config.encryption import seal, unseal
from partners.models import ApiClient
from partners.services.clients import webhook_secret_generate, webhook_secrets_of
from webhooks.models import Subscription
from webhooks.signing import Signers, public_key_of

# What they are sealed for.
SUBSCRIPTION_SECRET = "subscription-secret"  # noqa: S105
SUBSCRIPTION_KEY = "subscription-key"
SUBSCRIPTION_HEADERS = "subscription-headers"
SECRET_FIELDS = (
    "secret_sealed",
    "signing_key_sealed",
    "previous_secret_sealed",
    "previous_signing_key_sealed",
    "previous_secret_ends_at",
)


def signers_of(subscription: Subscription | None, client: ApiClient | None) -> Signers:
    """What signs a delivery now: its subscription's secrets, else its client's, else the hub's own.

    Raises ValueError when one cannot be opened with FIELD_ENCRYPTION_KEY.
    """
    if subscription is None:
        return Signers(tuple(webhook_secrets_of(client)))
    sealed = [bytes(subscription.secret_sealed)]
    keys = [bytes(subscription.signing_key_sealed)]
    ends_at = subscription.previous_secret_ends_at
    if ends_at and ends_at > timezone.now():
        sealed.append(bytes(subscription.previous_secret_sealed))
        keys.append(bytes(subscription.previous_signing_key_sealed))
    return _signers(tuple(filter(None, sealed)), tuple(filter(None, keys)))


@lru_cache(maxsize=4096)
def _signers(sealed: tuple[bytes, ...], keys: tuple[bytes, ...]) -> Signers:
    return Signers(
        tuple(unseal(one, purpose=SUBSCRIPTION_SECRET).decode() for one in sealed),
        tuple(unseal(one, purpose=SUBSCRIPTION_KEY) for one in keys),
    )


def subscription_public_key(subscription: Subscription) -> str:
    """The `whpk_` that verifies a subscription's v1a signatures; "" where it has none."""
    sealed = bytes(subscription.signing_key_sealed)
    return public_key_of(unseal(sealed, purpose=SUBSCRIPTION_KEY)) if sealed else ""


def subscription_secret_renew(subscription: Subscription, *, old_ends_at: datetime | None) -> str:
    """Give a subscription a new secret, and a new key if it has one; not saved yet, answers the secret.

    The old ones sign too until `old_ends_at`. There are never more than two.
    """
    subscription.previous_secret_sealed = bytes(subscription.secret_sealed) if old_ends_at else b""
    subscription.previous_signing_key_sealed = bytes(subscription.signing_key_sealed) if old_ends_at else b""
    subscription.previous_secret_ends_at = old_ends_at
    secret = webhook_secret_generate()
    subscription.secret_sealed = seal(secret.encode(), purpose=SUBSCRIPTION_SECRET)
    if subscription.signing_key_sealed:
        subscription_key_make(subscription)
    return secret


def subscription_key_make(subscription: Subscription) -> None:
    """Give a subscription a fresh Ed25519 key, not saved yet."""
    subscription.signing_key_sealed = seal(secrets.token_bytes(32), purpose=SUBSCRIPTION_KEY)


def subscription_key_drop(subscription: Subscription) -> None:
    """Sign with v1 alone, not saved yet."""
    subscription.signing_key_sealed = subscription.previous_signing_key_sealed = b""


def subscription_headers_of(subscription: Subscription) -> Mapping[str, str]:
    """A subscription's own headers, with their values; for those who may change them, and for receivers.

    Raises ValueError when they cannot be opened with FIELD_ENCRYPTION_KEY.
    """
    return _headers(bytes(subscription.custom_headers_sealed))


@lru_cache(maxsize=4096)
def _headers(sealed: bytes) -> Mapping[str, str]:
    opened = orjson.loads(unseal(sealed, purpose=SUBSCRIPTION_HEADERS)) if sealed else {}
    return MappingProxyType(opened)


def subscription_headers_set(subscription: Subscription, headers: Mapping[str, str]) -> list[str]:
    """Give a subscription these headers and no others, not saved yet; answers the names of what differs."""
    before = subscription_headers_of(subscription)
    changed = sorted(name for name in before.keys() | headers.keys() if before.get(name) != headers.get(name))
    if changed:
        subscription.custom_header_names = list(headers)
        sealed = seal(orjson.dumps(dict(headers)), purpose=SUBSCRIPTION_HEADERS) if headers else b""
        subscription.custom_headers_sealed = sealed
    return changed
