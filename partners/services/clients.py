"""API clients: the partners of an organization, as machines."""

import base64
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from config.encryption import seal, unseal
from partners.models import ApiClient

_PURPOSE = "webhook-secret"


def webhook_secret_generate() -> str:
    """A fresh signing secret in the Standard Webhooks form: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def webhook_secret_seal(secret: str) -> bytes:
    """A webhook secret as a client's row keeps it."""
    return seal(secret.encode(), purpose=_PURPOSE)


def client_get_or_create(*, organization_id: UUID, environment: str, name: str) -> ApiClient:
    """The organization's client of this name (any case), made with a webhook secret when it is new.

    Of two simultaneous calls one makes it and both get it.
    """
    named = ApiClient.objects.for_organization(organization_id, environment).filter(name__iexact=name)
    if found := named.first():
        return found
    try:
        with transaction.atomic():
            return ApiClient.objects.create(
                organization_id=organization_id,
                environment=environment,
                name=name,
                webhook_secret_sealed=webhook_secret_seal(webhook_secret_generate()),
            )
    except IntegrityError:
        return named.get()


def webhook_secret_of(client: ApiClient | None) -> str:
    """The secret that signs a client's callbacks, as shown to it; the hub's own where it has none."""
    if client is None or not client.webhook_secret_sealed:
        return settings.WEBHOOK_SECRET
    return _unsealed(client.webhook_secret_sealed)


def webhook_secrets_of(client: ApiClient | None) -> list[str]:
    """Every secret that signs a client's callbacks now, the newest first: two during a rotation."""
    secrets_now = [webhook_secret_of(client)]
    ends_at = client.previous_webhook_secret_ends_at if client else None
    if client and ends_at and ends_at > timezone.now():
        secrets_now.append(_unsealed(client.previous_webhook_secret_sealed))
    return secrets_now


WEBHOOK_SECRET_FIELDS = (
    "webhook_secret_sealed",
    "previous_webhook_secret_sealed",
    "previous_webhook_secret_ends_at",
)


def webhook_secret_renew(client: ApiClient, *, old_ends_at: datetime | None) -> str:
    """Give a locked client a new webhook secret, not saved yet; the old one signs too until `old_ends_at`.

    There are never more than two. A client without a secret of its own had the hub's.
    """
    old = webhook_secret_of(client)
    client.previous_webhook_secret_sealed = webhook_secret_seal(old) if old_ends_at else b""
    client.previous_webhook_secret_ends_at = old_ends_at
    secret = webhook_secret_generate()
    client.webhook_secret_sealed = webhook_secret_seal(secret)
    return secret


def client_facts(client: ApiClient) -> dict[str, Any]:
    """What the audit trail keeps of a client; never a secret."""
    fields = ("name", "description", "environment", "website", "logo_url", "contact_email", "webhook_url")
    return {
        **{field: getattr(client, field) for field in fields},
        "status": str(client.status),
        "redirect_uris": list(client.redirect_uris),
        "rate_limit_tier": str(client.rate_limit_tier),
        "scopes": list(client.scopes),
        "metadata": client.metadata,
    }


def _unsealed(sealed: bytes | memoryview) -> str:
    return unseal(bytes(sealed), purpose=_PURPOSE).decode()
