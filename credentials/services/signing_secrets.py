"""The secrets that keys sign their requests with (contract 0.5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config.encryption import seal
from credentials.exceptions import KeyRevoked, SigningIsOff
from credentials.models import ApiKey
from credentials.services.authority import authority_check
from credentials.snapshots import SIGNING_SECRET, changing
from partners.services.audit import Actor, audit_record
from partners.services.clients import webhook_secret_generate


@dataclass(frozen=True, slots=True)
class RotatedSigningSecret:
    """A key's new signing secret, shown once, and when the old one ends."""

    key: ApiKey
    secret: str
    old_ends_at: datetime


@transaction.atomic
def signing_secret_rotate(*, key_id: UUID, actor: Actor, grace_s: int = 0) -> RotatedSigningSecret:
    """Give the key a new signing secret; the old one verifies too for `grace_s` seconds (0: no longer).

    There are never more than two: one that was still in its grace ends now.
    Raises ApiKey.DoesNotExist (404), Forbidden (403), KeyRevoked and SigningIsOff (409).
    """
    key = key_locked(key_id)
    authority_check(actor, key.scopes)
    if key.status == ApiKey.Status.REVOKED:
        raise KeyRevoked
    if key.signing_mode == ApiKey.SigningMode.NONE:
        raise SigningIsOff
    old_ends_at = timezone.now() + timedelta(seconds=grace_s)
    with changing(key):
        if grace_s:
            key.previous_signing_secret_sealed = bytes(key.signing_secret_sealed)
            key.previous_signing_secret_ends_at = old_ends_at
        else:
            _previous_end(key)
        secret = _secret_new(key)
        key.save(update_fields=[*SECRET_FIELDS, "version", "updated_at"])
        audit_record(
            actor=actor,
            action="key.signing_secret_rotated",
            target=key,
            organization_id=key.organization_id,
            after={"old_secret_ends_at": old_ends_at.isoformat()},
        )
    return RotatedSigningSecret(key, secret, old_ends_at)


SECRET_FIELDS = (
    "signing_secret_sealed",
    "previous_signing_secret_sealed",
    "previous_signing_secret_ends_at",
)


def signing_mode_set(key: ApiKey, mode: str) -> str:
    """Set the mode on an unsaved or locked key; the fresh secret when this turns signing on, else ""."""
    was, key.signing_mode = key.signing_mode, mode
    if mode == ApiKey.SigningMode.NONE:
        key.signing_secret_sealed = b""
        _previous_end(key)
        return ""
    return _secret_new(key) if was == ApiKey.SigningMode.NONE else ""


def key_locked(key_id: UUID) -> ApiKey:
    """The key, locked until the transaction ends. Raises ApiKey.DoesNotExist (404)."""
    return ApiKey.objects.select_for_update(of=("self",)).select_related("client").get(id=key_id)


def _secret_new(key: ApiKey) -> str:
    secret = webhook_secret_generate()
    key.signing_secret_sealed = seal(secret.encode(), purpose=SIGNING_SECRET)
    return secret


def _previous_end(key: ApiKey) -> None:
    key.previous_signing_secret_sealed = b""
    key.previous_signing_secret_ends_at = None
