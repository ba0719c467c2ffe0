"""Making a partner together with its first key (contract E)."""

from uuid import UUID

from django.db import transaction

from credentials.scopes import Scope
from credentials.services.clients import client_create
from credentials.services.keys import IssuedKey, key_issue
from partners.services.audit import Actor

SCOPES = (Scope.REQUESTS_READ, Scope.REQUESTS_WRITE)


@transaction.atomic
def partner_create(*, organization_id: UUID, environment: str, name: str, actor: Actor) -> IssuedKey:
    """An API client of this name and a key of it that may submit and follow requests.

    Raises ClientNameTaken and OrganizationSuspended (409).
    """
    client = client_create(
        organization_id=organization_id, environment=environment, name=name, actor=actor, scopes=SCOPES
    )
    return key_issue(
        organization_id=organization_id,
        environment=environment,
        name=name,
        scopes=SCOPES,
        client=client,
        actor=actor,
        requests_per_minute=None,
    )
