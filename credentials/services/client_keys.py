"""Keys of an API client (contract D): a governor issues them, or a key that may."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from config.api.exceptions import ValidationFailed
from credentials.models import ApiKey
from credentials.services.authority import CLIENT_KEY, authority_check_organization, grantable_scopes
from credentials.services.keys import IssuedKey, key_change_status, key_issue
from partners.models import ApiClient
from partners.services.audit import Actor

# What a key hands on with every key it issues; one of a single client also what it is held to itself.
_OF_THE_ORGANIZATION = ("offer_allowlist", "brand_allowlist")
_OF_THE_CLIENT = (
    *_OF_THE_ORGANIZATION,
    "company_id",
    "ip_allowlist",
    "tier",
    "requests_per_minute",
    "daily_quota",
    "burst",
    "signing_mode",
)


@transaction.atomic
def client_key_issue(
    *,
    client_id: UUID,
    name: str,
    actor: Actor,
    scopes: Iterable[str] | None = None,
    expires_at: datetime | None = None,
    limits: Mapping[str, int | None] | None = None,
    metadata: Mapping[str, Any] | None = None,
    issuer: ApiKey | None = None,
) -> IssuedKey:
    """Issue a key to a client, with some of the client's scopes and at the client's tier.

    `scopes` None means all that the actor may hand out. `limits` (of requests_per_minute, daily_quota, burst)
    go before the tier's. A client's own key, the `issuer`, sets no limits, and hands on its own terms with no
    later expiry.

    Raises ApiClient.DoesNotExist (404), ValidationFailed (400) for scopes the client does not hold and terms
    that `key_issue` refuses, Forbidden (403) for scopes the actor may not hand out, and OrganizationSuspended
    (409).
    """
    client = ApiClient.objects.select_for_update(of=("self",), no_key=True).get(id=client_id)
    wanted = set(client.scopes) & grantable_scopes(actor) if scopes is None else set(scopes)
    if beyond := sorted(wanted - set(client.scopes)):
        raise ValidationFailed(scopes=[f"The client does not hold: {', '.join(beyond)}."])
    terms: dict[str, Any] = {"tier": client.rate_limit_tier, "requests_per_minute": None, **(limits or {})}
    if limits:
        authority_check_organization(actor, "A client's own key sets no limits.")
    if issuer is not None:
        handed_on = _OF_THE_CLIENT if actor.role == CLIENT_KEY else _OF_THE_ORGANIZATION
        terms |= {term: getattr(issuer, term) for term in handed_on}
        if actor.role == CLIENT_KEY and issuer.expires_at is not None:
            expires_at = expires_at or issuer.expires_at
            if expires_at > issuer.expires_at:
                raise ValidationFailed(expiresAt=["The key would outlive the one that issues it."])
    return key_issue(
        organization_id=client.organization_id,
        environment=client.environment,
        client=client,
        name=name,
        scopes=wanted,
        expires_at=expires_at,
        metadata=metadata,
        actor=actor,
        **terms,
    )


@transaction.atomic
def client_key_revoke(*, client_id: UUID, api_key_id: UUID, actor: Actor) -> None:
    """Revoke a key of a client, in every process at once; a repetition changes nothing.

    Raises ApiKey.DoesNotExist (404), Forbidden (403), and ServiceUnavailable (503).
    """
    key = ApiKey.objects.get(id=api_key_id, client_id=client_id)
    key_change_status(key_id=key.id, status=ApiKey.Status.REVOKED, actor=actor)
