"""What a person types for an organization, a client, a key or a delivery, and the row that is meant."""

import getpass
import os
import socket
from typing import Any
from uuid import UUID

from config.api.exceptions import NotFound, ValidationFailed
from credentials.models import ApiKey
from partners.models import ApiClient, Organization
from partners.services.audit import Actor
from webhooks.models import Delivery


def shell_actor() -> Actor:
    """Who the audit trail names: the command, and the account and machine it was typed on."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):
        account = str(os.getuid())
    return Actor(f"hub (shell: {account}@{socket.gethostname()})"[:254])


def organization_named(slug: str | None) -> Organization:
    """The organization of this slug, or the only one there is. Raises NotFound and ValidationFailed."""
    named = Organization.objects.filter(slug=slug) if slug else Organization.objects.all()
    found = list(named.order_by("slug")[:2])
    if slug and not found:
        raise NotFound(f"There is no organization {slug}.")
    if len(found) != 1:
        slugs = ", ".join(Organization.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise ValidationFailed("Name one organization with --organization.", organizations=[slugs or "none"])
    return found[0]


def client_named(named: str, *, organization: str | None, environment: str | None) -> ApiClient:
    """The client of this id or, in any case, this name. Raises NotFound, and ValidationFailed for several."""
    clients = ApiClient.objects.select_related("organization")
    if organization:
        clients = clients.filter(organization=organization_named(organization))
    if environment:
        clients = clients.filter(environment=environment)
    identity = _uuid(named)
    matching = clients.filter(id=identity) if identity else clients.filter(name__iexact=named)
    found = list(matching.order_by("created_at")[:10])
    if not found:
        raise NotFound(f"There is no client {named}.")
    if len(found) > 1:
        which = {str(one.id): f"{one.organization.slug}, {one.environment}" for one in found}
        raise ValidationFailed.of({identity: [where] for identity, where in which.items()})
    return found[0]


def key_named(named: str) -> ApiKey:
    """The key of this key id (`pk_…`) or id. Raises NotFound, and ValidationFailed for a whole key."""
    if ".sk_" in named or "_sk_" in named:
        raise ValidationFailed("Name the key by its id, without the secret: it would stay in your history.")
    identity = _uuid(named)
    keys = ApiKey.objects.select_related("client")
    key = keys.filter(id=identity).first() if identity else keys.filter(key_id=named).first()
    if key is None:
        raise NotFound(f"There is no key {named}.")
    return key


def delivery_named(named: str) -> Delivery:
    """The delivery of this id. Raises NotFound."""
    identity = _uuid(named)
    delivery = Delivery.objects.filter(id=identity).first() if identity else None
    if delivery is None:
        raise NotFound(f"There is no delivery {named}.")
    return delivery


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
