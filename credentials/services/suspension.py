"""Suspending and resuming organizations and API clients: all their keys and tokens stop and start at once."""

from contextlib import ExitStack
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from credentials.models import ApiKey
from credentials.services.authority import authority_check, authority_check_narrowing
from credentials.snapshots import changing, changing_client
from partners.models import ApiClient, Organization
from partners.services.audit import Actor, audit_record


@transaction.atomic
def organization_change_status(*, organization_id: UUID, status: str, actor: Actor) -> Organization:
    """Suspend or resume a tenant; every process refuses or admits all its keys from then on.

    Needs the operator context. Repeating the present status changes nothing.
    Raises Organization.DoesNotExist (404), and ServiceUnavailable (503) when it could not be told.
    """
    organization = _locked(Organization, organization_id)
    keys = ApiKey.objects.filter(organization=organization)
    _change(organization, "organization", organization_id, status, keys, actor)
    return organization


@transaction.atomic
def client_change_status(*, client_id: UUID, status: str, actor: Actor) -> ApiClient:
    """Suspend or resume a partner of an organization; every process refuses or admits its keys from then on.

    Repeating the present status changes nothing. Raises ApiClient.DoesNotExist (404), Forbidden (403)
    where the actor may not resume one of its keys, and ServiceUnavailable (503).
    """
    client = _locked(ApiClient, client_id)
    keys = ApiKey.objects.filter(client=client)
    if status == ApiClient.Status.ACTIVE:
        for key in keys:
            authority_check(actor, key.scopes)
    authority_check_narrowing(actor)
    _change(client, "client", client.organization_id, status, keys, actor)
    return client


def _locked(model: Any, pk: UUID) -> Any:
    # the full row lock: a key being issued waits at its foreign key, or is found below
    return model.objects.select_for_update(of=("self",)).get(pk=pk)


def _change(holder: Any, noun: str, organization_id: UUID, status: str, keys: Any, actor: Actor) -> None:
    before = holder.status
    if before == status:
        return
    live = keys.exclude(status=ApiKey.Status.REVOKED)
    clients = ApiClient.objects.filter(**{noun if noun == "organization" else "pk": holder.pk})
    with ExitStack() as changes:
        for client in clients.select_for_update(of=("self",), no_key=True).order_by("id"):
            changes.enter_context(changing_client(client))
        clients.update(version=F("version") + 1)
        for key in live.select_for_update(of=("self",)).order_by("id"):
            changes.enter_context(changing(key))
        live.update(version=F("version") + 1, updated_at=timezone.now())
        holder.status = status
        holder.save(update_fields=["status", "updated_at"])
        audit_record(
            actor=actor,
            action=f"{noun}.{'suspended' if status.lower() == 'suspended' else 'resumed'}",
            target=holder,
            organization_id=organization_id,
            before={"status": before},
            after={"status": status},
        )
