"""Issuing, rotating, suspending, resuming and revoking keys; each act is audited."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config.api.exceptions import ValidationFailed
from config.encryption import seal
from credentials.exceptions import KeyExists, KeyRevoked
from credentials.limits import CALL_ANALYSIS_PER_MINUTE
from credentials.models import ApiKey, ApiKeySecret, Tier
from credentials.scopes import Scope
from credentials.secrets import key_id_generate, secret_generate, secret_hash
from credentials.snapshots import SIGNING_SECRET, changing
from partners.models import Company
from partners.services.audit import Actor, audit_record
from partners.services.clients import (
    client_get_or_create,
    webhook_secret_generate,
    webhook_secret_of,
)

DEFAULT_VALIDITY_DAYS = 365
# What contract B's form issues unless told otherwise.
CALL_ANALYSIS_SCOPES = (
    Scope.COMPANIES_READ,
    Scope.COMPANIES_WRITE,
    Scope.AGENTS_WRITE,
    Scope.CALLS_WRITE,
    Scope.JOBS_READ,
)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with what is shown once: its secret, the secret that signs the client's webhooks, and the
    one that the client signs its requests with ("" when it need not)."""

    key: ApiKey
    secret: str
    webhook_secret: str
    signing_secret: str = ""

    @property
    def raw(self) -> str:
        return f"{self.key.key_id}.{self.secret}"


@transaction.atomic
def key_issue(
    *,
    organization_id: UUID,
    environment: str,
    name: str,
    scopes: Iterable[str],
    actor: Actor,
    expires_at: datetime | None = None,
    company_id: UUID | None = None,
    ip_allowlist: Iterable[str] = (),
    requests_per_minute: int | None = CALL_ANALYSIS_PER_MINUTE,
    daily_quota: int | None = None,
    tier: str = Tier.STANDARD,
    signing_mode: str = ApiKey.SigningMode.NONE,
    api_key_id: UUID | None = None,
) -> IssuedKey:
    """Issue a key to the partner called `name`, whose API client is made when it has none.

    A caller that names the key's `api_key_id` cannot issue it twice: raises KeyExists (409).

    Raises ValidationFailed (400) for an empty or unknown scope list, an address that is none, an expiry
    in the past, and a company of another tenant.
    """
    scopes = sorted(set(scopes))
    errors: dict[str, list[str]] = {}
    if not scopes or not set(scopes) <= set(Scope):
        errors["scopes"] = ["Choose at least one of the documented scopes."]
    if expires_at is not None and expires_at <= timezone.now():
        errors["expiresAt"] = ["The expiry is in the past."]
    companies = Company.objects.for_organization(organization_id, environment)
    if company_id is not None and not companies.filter(id=company_id).exists():
        errors["company"] = ["The organization has no such company in this environment."]
    networks: list[str] = []
    try:
        networks = ip_allowlist_clean(ip_allowlist)
    except ValueError as error:
        errors["ipAllowlist"] = [str(error)]
    if errors:
        raise ValidationFailed.of(errors)
    client = client_get_or_create(organization_id=organization_id, environment=environment, name=name)
    signing_secret = "" if signing_mode == ApiKey.SigningMode.NONE else webhook_secret_generate()
    key = ApiKey(
        id=api_key_id or uuid7(),
        organization_id=organization_id,
        environment=environment,
        client=client,
        name=name,
        key_id=key_id_generate(environment),
        scopes=scopes,
        expires_at=expires_at,
        company_id=company_id,
        ip_allowlist=networks,
        tier=tier,
        requests_per_minute=requests_per_minute,
        daily_quota=daily_quota,
        created_by=actor.name,
        signing_mode=signing_mode,
        signing_secret_sealed=seal(signing_secret.encode(), purpose=SIGNING_SECRET)
        if signing_secret
        else b"",
    )
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError as error:
        raise KeyExists from error
    secret = _secret_add(key)
    audit_record(
        actor=actor,
        action="key.issued",
        target=key,
        organization_id=organization_id,
        after=key_facts(key),
    )
    return IssuedKey(key, secret, webhook_secret_of(client), signing_secret)


@transaction.atomic
def key_rotate(*, key_id: UUID, actor: Actor, grace_s: int = 0) -> IssuedKey:
    """Give the key a new secret; the old one ends after `grace_s` seconds (0: at once).

    Scopes, expiry and allow-list stay as they are. Raises ApiKey.DoesNotExist (404), KeyRevoked (409).
    """
    key = _locked(key_id)
    if key.status == ApiKey.Status.REVOKED:
        raise KeyRevoked
    now = timezone.now()
    ends_at = now + timedelta(seconds=grace_s)
    live = key.secrets.exclude(expires_at__lte=now)
    with changing(key):
        live.filter(expires_at=None).update(expires_at=ends_at)
        live.filter(expires_at__gt=ends_at).update(expires_at=ends_at)
        secret = _secret_add(key)
        key.save(update_fields=["version", "updated_at"])
        audit_record(
            actor=actor,
            action="key.rotated",
            target=key,
            organization_id=key.organization_id,
            after={"old_secret_ends_at": ends_at.isoformat()},
        )
    return IssuedKey(key, secret, webhook_secret_of(key.client))


@transaction.atomic
def key_change_status(*, key_id: UUID, status: str, actor: Actor) -> ApiKey:
    """Suspend, resume ("active") or revoke a key; every process refuses or admits it from then on.

    Repeating the present status changes nothing. Raises ApiKey.DoesNotExist (404), KeyRevoked (409)
    since revoked is final, and ServiceUnavailable (503) when it could not be told to every process.
    """
    key = _locked(key_id)
    before = key.status
    if before == status:
        return key
    if before == ApiKey.Status.REVOKED:
        raise KeyRevoked
    with changing(key):
        key.status = status
        key.save(update_fields=["status", "version", "updated_at"])
        audit_record(
            actor=actor,
            action=f"key.{'resumed' if status == ApiKey.Status.ACTIVE else status}",
            target=key,
            organization_id=key.organization_id,
            before={"status": before},
            after={"status": status},
        )
    return key


def ip_allowlist_clean(entries: Iterable[str]) -> list[str]:
    """Addresses and CIDR ranges in canonical form, without repeats. Raises ValueError naming a bad one."""
    clean: list[str] = []
    for entry in entries:
        try:
            network = str(ipaddress.ip_network(entry.strip(), strict=False))
        except ValueError as error:
            raise ValueError(f"{entry!r} is neither an IP address nor a CIDR range.") from error
        if network not in clean:
            clean.append(network)
    return clean


def key_facts(key: ApiKey) -> dict[str, Any]:
    """What the audit trail keeps of a key; never a secret."""
    return {
        "name": key.name,
        "key_id": key.key_id,
        "environment": key.environment,
        "scopes": list(key.scopes),
        "status": str(key.status),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "company_id": str(key.company_id) if key.company_id else None,
        "ip_allowlist": list(key.ip_allowlist),
        "requests_per_minute": key.requests_per_minute,
        "daily_quota": key.daily_quota,
        "signing_mode": str(key.signing_mode),
    }


def _locked(key_id: UUID) -> ApiKey:
    return ApiKey.objects.select_for_update(of=("self",)).select_related("client").get(id=key_id)


def _secret_add(key: ApiKey) -> str:
    secret = secret_generate()
    ApiKeySecret.objects.create(
        organization_id=key.organization_id,
        environment=key.environment,
        api_key=key,
        hash=secret_hash(secret),
        last_four=secret[-4:],
    )
    return secret
