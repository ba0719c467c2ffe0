"""Issuing, changing, rotating, suspending, resuming and revoking keys; each act is audited."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config.api.exceptions import ValidationFailed
from credentials.exceptions import KeyExists, KeyRevoked
from credentials.limits import CALL_ANALYSIS_PER_MINUTE
from credentials.models import ApiKey, ApiKeySecret
from credentials.scopes import Scope
from credentials.secrets import key_id_generate, secret_generate, secret_hash
from credentials.services.authority import authority_check, authority_check_narrowing
from credentials.services.key_terms import TERMS, key_facts, reach_check, terms_clean
from credentials.services.signing_secrets import SECRET_FIELDS, key_locked, signing_mode_set
from credentials.snapshots import changing
from partners.exceptions import OrganizationSuspended
from partners.models import ApiClient, Company, Organization, Tier
from partners.services.audit import Actor, audit_record
from partners.services.clients import client_get_or_create, webhook_secret_of

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
    one that the client signs its requests with ("" when it need not, and after a rotation).

    `old_ends_at` is when the secret that a rotation replaced ends.
    """

    key: ApiKey
    secret: str
    webhook_secret: str
    signing_secret: str = ""
    old_ends_at: datetime | None = None

    @property
    def raw(self) -> str:
        return f"{self.key.key_id}.{self.secret}"


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """A key after a change; `signing_secret` is shown once, when the change turned signing on."""

    key: ApiKey
    signing_secret: str = ""


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
    burst: int | None = None,
    tier: str = Tier.STANDARD,
    signing_mode: str = ApiKey.SigningMode.NONE,
    offer_allowlist: Iterable[UUID] = (),
    brand_allowlist: Iterable[UUID] = (),
    organization_wide: bool = False,
    metadata: Mapping[str, Any] | None = None,
    client: ApiClient | None = None,
    api_key_id: UUID | None = None,
) -> IssuedKey:
    """Issue a key to `client`, or to the partner called `name`, whose API client is made when it has none.

    The client holds the key's scopes from then on. A caller that names the key's `api_key_id` cannot issue it
    twice: raises KeyExists (409).

    Raises Forbidden (403) for scopes the actor may not hand out, OrganizationSuspended (409), and
    ValidationFailed (400) for terms that `terms_clean` refuses and a company of another tenant.
    """
    terms = terms_clean(
        {
            "name": name,
            "scopes": scopes,
            "expires_at": expires_at,
            "ip_allowlist": ip_allowlist,
            "tier": tier,
            "requests_per_minute": requests_per_minute,
            "daily_quota": daily_quota,
            "burst": burst,
            "signing_mode": signing_mode,
            "offer_allowlist": offer_allowlist,
            "brand_allowlist": brand_allowlist,
            "organization_wide": organization_wide,
        }
    )
    reach_check(company_id=company_id, organization_wide=organization_wide)
    companies = Company.objects.for_organization(organization_id, environment)
    if company_id is not None and not companies.filter(id=company_id).exists():
        raise ValidationFailed.of(
            {"companyId": ["The organization has no such company in this environment."]}
        )
    authority_check(actor, terms["scopes"])
    if Organization.objects.get(id=organization_id).status == Organization.Status.SUSPENDED:
        raise OrganizationSuspended
    client = client or client_get_or_create(
        organization_id=organization_id, environment=environment, name=name
    )
    key = ApiKey(
        id=api_key_id or uuid7(),
        organization_id=organization_id,
        environment=environment,
        client=client,
        key_id=key_id_generate(environment),
        company_id=company_id,
        created_by=actor.name,
        metadata=metadata or {},
        **terms | {"signing_mode": ApiKey.SigningMode.NONE},
    )
    signing_secret = signing_mode_set(key, signing_mode)
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
def key_update(*, key_id: UUID, changes: Mapping[str, Any], actor: Actor) -> ChangedKey:
    """Change some of a key's terms (the names of TERMS); every process goes by them from then on.

    Turning signing on makes a secret, turning it off forgets it. Repeating the present terms changes
    nothing. Raises ApiKey.DoesNotExist (404), ValidationFailed (400), Forbidden (403) where the actor
    may not hand out the key as it was or as it would be, KeyRevoked (409), and ServiceUnavailable (503)
    when the change could not be told to every process.
    """
    assert changes.keys() <= TERMS.keys()
    changes = terms_clean(changes)
    if "scopes" in changes:
        # the client first, as whoever changes clients does: it may get these scopes too
        ApiClient.objects.select_for_update(of=("self",), no_key=True).get(api_keys=key_id)
    key = key_locked(key_id)
    authority_check(actor, key.scopes)
    authority_check(actor, changes.get("scopes", ()))
    if key.status == ApiKey.Status.REVOKED:
        raise KeyRevoked
    reach_check(
        company_id=key.company_id,
        organization_wide=changes.get("organization_wide", key.organization_wide),
    )
    changes = {term: value for term, value in changes.items() if getattr(key, term) != value}
    if not changes:
        return ChangedKey(key)
    before = key_facts(key)
    signing_mode = changes.pop("signing_mode", key.signing_mode)
    with changing(key):
        for term, value in changes.items():
            setattr(key, term, value)
        signing_secret = signing_mode_set(key, signing_mode)
        key.save(update_fields=[*changes, "signing_mode", *SECRET_FIELDS, "version", "updated_at"])
        audit_record(
            actor=actor,
            action="key.changed",
            target=key,
            organization_id=key.organization_id,
            before=before,
            after=key_facts(key),
        )
    return ChangedKey(key, signing_secret)


@transaction.atomic
def key_rotate(*, key_id: UUID, actor: Actor, grace_s: int = 0) -> IssuedKey:
    """Give the key a new secret; the old one ends after `grace_s` seconds (0: at once).

    Scopes, expiry and allow-list stay as they are.
    Raises ApiKey.DoesNotExist (404), Forbidden (403), KeyRevoked (409).
    """
    key = key_locked(key_id)
    authority_check(actor, key.scopes)
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
    return IssuedKey(key, secret, webhook_secret_of(key.client), old_ends_at=ends_at)


@transaction.atomic
def key_change_status(*, key_id: UUID, status: str, actor: Actor) -> ApiKey:
    """Suspend, resume ("active") or revoke a key; every process refuses or admits it from then on.

    Repeating the present status changes nothing. Raises ApiKey.DoesNotExist (404), Forbidden (403),
    KeyRevoked (409) since revoked is final, and ServiceUnavailable (503) when it could not be told to
    every process.
    """
    key = key_locked(key_id)
    before = key.status
    if status == ApiKey.Status.ACTIVE:
        authority_check(actor, key.scopes)
    else:
        authority_check_narrowing(actor)
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
