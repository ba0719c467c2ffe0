"""API clients (contract D): making, changing and deleting them, with what that means for their keys."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from credentials.models import ApiKey
from credentials.services.authority import (
    authority_check,
    authority_check_narrowing,
    authority_check_organization,
)
from credentials.services.suspension import client_change_status
from credentials.snapshots import changing, changing_client
from partners.exceptions import ClientNameTaken, OrganizationSuspended
from partners.models import ApiClient, Organization
from partners.services.audit import Actor, audit_record
from partners.services.clients import (
    WEBHOOK_SECRET_FIELDS,
    client_facts,
    webhook_secret_generate,
    webhook_secret_renew,
    webhook_secret_seal,
)

CHANGEABLE = (
    "name",
    "description",
    "redirect_uris",
    "website",
    "logo_url",
    "contact_email",
    "rate_limit_tier",
    "webhook_url",
    "scopes",
    "metadata",
)


@transaction.atomic
def client_create(
    *,
    organization_id: UUID,
    environment: str,
    name: str,
    actor: Actor,
    scopes: Sequence[str] = (),
    **details: Any,
) -> ApiClient:
    """Make an API client with a webhook secret of its own; `details` are others of CHANGEABLE.

    Raises Forbidden (403) for scopes the actor may not hand out and for a client's own key, ClientNameTaken
    and OrganizationSuspended (409).
    """
    authority_check_organization(actor, "Only a key issued for the whole organization makes clients.")
    authority_check(actor, scopes)
    if Organization.objects.get(id=organization_id).status == Organization.Status.SUSPENDED:
        raise OrganizationSuspended
    client = ApiClient(
        organization_id=organization_id,
        environment=environment,
        name=name,
        scopes=sorted(set(scopes)),
        webhook_secret_sealed=webhook_secret_seal(webhook_secret_generate()),
        **details,
    )
    _save(client, force_insert=True)
    audit_record(
        actor=actor,
        action="client.created",
        target=client,
        organization_id=organization_id,
        after=client_facts(client),
    )
    return client


@transaction.atomic
def client_update(*, client_id: UUID, changes: Mapping[str, Any], actor: Actor) -> ApiClient:
    """Change some of CHANGEABLE and the `status`; every process goes by it from then on.

    Keys lose the scopes that the client loses, follow it to another tier unless they were given one of their
    own, and stop and start with its status. Repeating what is changes nothing.

    Raises ApiClient.DoesNotExist (404), Forbidden (403) where the actor may not hand out what the client
    would hold or change one of its keys, ClientNameTaken (409), and ServiceUnavailable (503).
    """
    authority_check_narrowing(actor)
    client = _locked(client_id)
    status = changes.get("status", client.status)
    wanted = {name: value for name, value in changes.items() if name in CHANGEABLE}
    if "scopes" in wanted:
        wanted["scopes"] = sorted(set(wanted["scopes"]))
        authority_check(actor, set(wanted["scopes"]) - set(client.scopes))
    wanted = {name: value for name, value in wanted.items() if getattr(client, name) != value}
    if "rate_limit_tier" in wanted:
        authority_check_organization(actor, "A client's own key changes no limits.")
    if wanted:
        before, old_tier = client_facts(client), client.rate_limit_tier
        for name, value in wanted.items():
            setattr(client, name, value)
        _keys_follow(client, old_tier=old_tier, actor=actor)
        with changing_client(client):
            _save(client, update_fields=[*wanted, "version", "updated_at"])
        audit_record(
            actor=actor,
            action="client.changed",
            target=client,
            organization_id=client.organization_id,
            before=before,
            after=client_facts(client),
        )
    if status == client.status:
        return client
    return client_change_status(client_id=client_id, status=status, actor=actor)


@transaction.atomic
def client_delete(*, client_id: UUID, actor: Actor) -> None:
    """Delete a client with its keys, webhooks and their deliveries; what it sent in stays.

    The audit trail, the request log, usage figures and webhook_logs keep its history.
    Raises ApiClient.DoesNotExist (404), Forbidden (403), and ServiceUnavailable (503).
    """
    authority_check_narrowing(actor)
    client = _locked(client_id)
    keys = ApiKey.objects.filter(client=client)
    with ExitStack() as told:
        told.enter_context(changing_client(client))
        for key in keys.select_for_update(of=("self",)).order_by("id"):
            told.enter_context(changing(key))
        audit_record(
            actor=actor,
            action="client.deleted",
            target=client,
            organization_id=client.organization_id,
            before=client_facts(client) | {"keys": sorted(keys.values_list("key_id", flat=True))},
        )
        # the foreign keys take the rest along, however many deliveries that are
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM partners_apiclient WHERE id = %s", [client.id])


@dataclass(frozen=True, slots=True)
class RotatedWebhookSecret:
    """A client's new webhook secret, and when the old one ends."""

    client: ApiClient
    secret: str
    old_ends_at: datetime


@transaction.atomic
def client_webhook_secret_rotate(*, client_id: UUID, actor: Actor, grace_s: int = 0) -> RotatedWebhookSecret:
    """Give the client a new webhook secret; the old one signs too for `grace_s` seconds (0: no longer).

    There are never more than two: one that was still in its grace ends now.
    Raises ApiClient.DoesNotExist (404) and Forbidden (403).
    """
    authority_check_narrowing(actor)
    client = _locked(client_id)
    old_ends_at = timezone.now() + timedelta(seconds=grace_s)
    secret = webhook_secret_renew(client, old_ends_at=old_ends_at if grace_s else None)
    client.save(update_fields=[*WEBHOOK_SECRET_FIELDS, "updated_at"])
    audit_record(
        actor=actor,
        action="client.webhook_secret_rotated",
        target=client,
        organization_id=client.organization_id,
        after={"old_secret_ends_at": old_ends_at.isoformat()},
    )
    return RotatedWebhookSecret(client, secret, old_ends_at)


def _locked(client_id: UUID) -> ApiClient:
    # the full row lock: a key being issued waits for it, or is found below
    return ApiClient.objects.select_for_update(of=("self",)).get(id=client_id)


def _save(client: ApiClient, **how: Any) -> None:
    try:
        with transaction.atomic():
            client.save(**how)
    except IntegrityError as error:
        raise ClientNameTaken from error


def _keys_follow(client: ApiClient, *, old_tier: str, actor: Actor) -> None:
    """Bring a client's keys in line with its scopes and its tier."""
    wider = ~Q(scopes__contained_by=client.scopes)
    moved = Q(tier=old_tier) if old_tier != client.rate_limit_tier else Q(pk=None)
    keys = ApiKey.objects.filter(wider | moved, client=client).exclude(status=ApiKey.Status.REVOKED)
    for key in keys.select_for_update(of=("self",)).order_by("id"):
        kept = [scope for scope in key.scopes if scope in client.scopes]
        if kept != key.scopes:
            authority_check(actor, key.scopes)
        with changing(key):
            key.scopes = kept
            key.tier = client.rate_limit_tier if key.tier == old_tier else key.tier
            key.save(update_fields=["scopes", "tier", "version", "updated_at"])
