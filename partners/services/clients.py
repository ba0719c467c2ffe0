"""API clients: the partners of an organization, as machines."""

import base64
import secrets
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from config.encryption import seal, unseal
from partners.models import ApiClient

_PURPOSE = "webhook-secret"


def webhook_secret_generate() -> str:
    """A fresh signing secret in the Standard Webhooks form: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


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
                webhook_secret_sealed=seal(webhook_secret_generate().encode(), purpose=_PURPOSE),
            )
    except IntegrityError:
        return named.get()


def webhook_secret_of(client: ApiClient | None) -> str:
    """The secret that signs a client's callbacks, as shown to it; the hub's own where it has none."""
    if client is None or not client.webhook_secret_sealed:
        return settings.WEBHOOK_SECRET
    return unseal(bytes(client.webhook_secret_sealed), purpose=_PURPOSE).decode()
