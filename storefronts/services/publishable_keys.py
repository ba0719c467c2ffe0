"""Publishable keys: issued, changed, revoked."""

import secrets
import string
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config.api.exceptions import Conflict, ValidationFailed
from partners.models import ApiClient
from partners.services.audit import Actor, audit_record
from storefronts.models import PublishableKey

KEY_PREFIX = "pub_"
MAX_ORIGINS = 50
_ALPHABET = string.digits + string.ascii_letters
_DEFAULT_PORTS = {"http": 80, "https": 443}


@transaction.atomic
def publishable_key_issue(
    *,
    client_id: UUID,
    name: str,
    origins: Sequence[str],
    requests_per_minute: int = 600,
    actor: Actor,
) -> PublishableKey:
    """Issue a key for the widgets of a client, in the client's organization and environment.

    Raises ApiClient.DoesNotExist (404) and ValidationFailed (400) for an origin that is none.
    """
    client = ApiClient.objects.get(id=client_id)
    tail = "".join(secrets.choice(_ALPHABET) for _ in range(20))
    issued = PublishableKey.objects.create(
        organization_id=client.organization_id,
        environment=client.environment,
        client=client,
        name=name,
        key=f"{KEY_PREFIX}{client.environment}_{tail}",
        origins=origins_checked(origins),
        requests_per_minute=requests_per_minute,
        created_by=actor.name,
    )
    _audit(issued, "publishable_key.create", actor, after=_terms(issued))
    return issued


@transaction.atomic
def publishable_key_update(
    *, key_id: UUID, name: str, origins: Sequence[str], requests_per_minute: int, actor: Actor
) -> PublishableKey:
    """Change what a key is called, where it may be used and how often; it holds from the next request on.

    Raises PublishableKey.DoesNotExist (404), Conflict (409) for a revoked one, ValidationFailed (400).
    """
    key = PublishableKey.objects.select_for_update(of=("self",)).get(id=key_id)
    if key.revoked_at:
        raise Conflict("The key is revoked.")
    before = _terms(key)
    key.name, key.origins, key.requests_per_minute = name, origins_checked(origins), requests_per_minute
    key.save(update_fields=["name", "origins", "requests_per_minute", "updated_at"])
    _audit(key, "publishable_key.update", actor, before=before, after=_terms(key))
    return key


@transaction.atomic
def publishable_key_revoke(*, key_id: UUID, actor: Actor) -> PublishableKey:
    """Refuse a key for good, from the next request on; revoking it again changes nothing.

    Raises PublishableKey.DoesNotExist (404).
    """
    key = PublishableKey.objects.select_for_update(of=("self",)).get(id=key_id)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at", "updated_at"])
        _audit(key, "publishable_key.revoke", actor, before={"status": "active"}, after={"status": "revoked"})
    return key


def origins_checked(origins: Sequence[str]) -> list[str]:
    """Origins as browsers write them: lower case, no path, no port where it is the scheme's own.

    Raises ValidationFailed (400) for anything else, and for more than 50.
    """
    found = sorted({_origin(text) for text in origins})
    if len(found) > MAX_ORIGINS:
        raise ValidationFailed(origins=[f"At most {MAX_ORIGINS} origins."])
    return found


def _origin(text: str) -> str:
    refused = ValidationFailed(origins=[f"Write an origin like https://shop.example.com, not {text[:80]!r}."])
    try:
        parts = urlsplit(text.strip().rstrip("/").lower())
        host, port = parts.hostname or "", parts.port
        host = host.encode("idna").decode() if not host.isascii() else host
    except (ValueError, UnicodeError) as error:
        raise refused from error
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.path or parts.query or parts.fragment:
        raise refused
    if "@" in parts.netloc or "*" in host or len(text) > 255 or any(sign.isspace() for sign in host):
        raise refused
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme] else "")


def _terms(key: PublishableKey) -> dict[str, object]:
    return {
        "name": key.name,
        "origins": list(key.origins),
        "requests_per_minute": key.requests_per_minute,
        "client": str(key.client_id),
    }


def _audit(key: PublishableKey, action: str, actor: Actor, **states: dict[str, object]) -> None:
    audit_record(actor=actor, action=action, target=key, organization_id=key.organization_id, **states)
