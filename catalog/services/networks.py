"""Affiliate networks: made, changed, tried."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction

from catalog.adapters.base import Access, Adapter
from catalog.adapters.registry import adapter_of
from catalog.exceptions import NameTaken
from catalog.models import AffiliateNetwork
from config.encryption import seal, unseal
from partners.services.audit import Actor, audit_record

NETWORK_CREDENTIALS = "network-credentials"
NETWORK_POSTBACK = "network-postback"
_AUDITED = (
    "name", "slug", "adapter", "base_url", "postback_ip_allowlist", "link_template", "publisher_id",
    "currency", "default_share", "is_enabled", "sync_every_minutes",
)  # fmt: skip


@transaction.atomic
def network_create(
    *,
    organization_id: UUID,
    environment: str,
    credentials: Mapping[str, str],
    postback_secret: str = "",
    actor: Actor,
    **terms: Any,
) -> AffiliateNetwork:
    """Add a network; `terms` are its columns as the form checked them. Raises NameTaken (409)."""
    try:
        with transaction.atomic():
            made = AffiliateNetwork.objects.create(
                organization_id=organization_id,
                environment=environment,
                credentials_sealed=_sealed(credentials),
                postback_secret_sealed=_postback_sealed(postback_secret),
                **terms,
            )
    except IntegrityError as error:
        raise NameTaken("There is a network of this short name.") from error
    audit_record(
        actor=actor,
        action="network.create",
        target=made,
        organization_id=organization_id,
        after=_terms(made),
    )
    return made


@transaction.atomic
def network_update(
    *,
    network_id: UUID,
    actor: Actor,
    credentials: Mapping[str, str] | None = None,
    postback_secret: str | None = None,
    **terms: Any,
) -> AffiliateNetwork:
    """Change a network's terms; secrets only where they are given.

    Raises AffiliateNetwork.DoesNotExist (404), NameTaken (409).
    """
    network = AffiliateNetwork.objects.select_for_update(no_key=True, of=("self",)).get(id=network_id)
    before = _terms(network)
    for name, value in terms.items():
        setattr(network, name, value)
    if credentials is not None:
        network.credentials_sealed = _sealed(credentials)
    if postback_secret is not None:
        network.postback_secret_sealed = _postback_sealed(postback_secret)
    try:
        with transaction.atomic():
            network.save()
    except IntegrityError as error:
        raise NameTaken("There is a network of this short name.") from error
    after = _terms(network)
    # which secrets are new is told, what they are is not
    after |= {"credentials": "new"} if credentials is not None else {}
    after |= {"postback_secret": "new"} if postback_secret is not None else {}
    audit_record(
        actor=actor,
        action="network.update",
        target=network,
        organization_id=network.organization_id,
        before=before,
        after=after,
    )
    return network


def network_adapter(network: AffiliateNetwork) -> Adapter:
    """The network's adapter, with its credentials open.

    Raises ValueError when they cannot be opened with FIELD_ENCRYPTION_KEY, KeyError for an unknown kind.
    """
    opened = unseal(bytes(network.credentials_sealed), purpose=NETWORK_CREDENTIALS)
    access = Access(network.base_url, orjson.loads(opened), network.currency)
    return adapter_of(network.adapter, access)


def network_postback_secret(network: AffiliateNetwork) -> str:
    """What the network's postbacks prove themselves with; "" where none was set."""
    sealed = bytes(network.postback_secret_sealed)
    return unseal(sealed, purpose=NETWORK_POSTBACK).decode() if sealed else ""


def _sealed(credentials: Mapping[str, str]) -> bytes:
    return seal(orjson.dumps(dict(credentials)), purpose=NETWORK_CREDENTIALS)


def _postback_sealed(secret: str) -> bytes:
    return seal(secret.encode(), purpose=NETWORK_POSTBACK) if secret else b""


def _terms(network: AffiliateNetwork) -> dict[str, Any]:
    return {name: getattr(network, name) for name in _AUDITED}
