"""Resources: made, changed, and their calendars' addresses."""

import hashlib
import secrets
from typing import Any
from uuid import UUID

from django.db import transaction

from bookings.models import Resource
from partners.services.audit import Actor, audit_record

FEED_PREFIX = "cal_"
_AUDITED = (
    "name", "kind", "location", "time_zone", "opening_hours", "slot_minutes", "buffer_minutes", "capacity",
    "price_minor", "currency", "tax_rate", "notice_minutes", "is_active",
)  # fmt: skip


@transaction.atomic
def resource_create(*, organization_id: UUID, environment: str, actor: Actor, **terms: Any) -> Resource:
    """Make a bookable resource; `terms` are its columns, as the form or the demo checked them."""
    made = Resource.objects.create(organization_id=organization_id, environment=environment, **terms)
    audit_record(
        actor=actor,
        action="resource.create",
        target=made,
        organization_id=organization_id,
        after=_terms(made),
    )
    return made


@transaction.atomic
def resource_update(*, resource_id: UUID, actor: Actor, **terms: Any) -> Resource:
    """Change a resource's terms; bookings that were made under the old ones stand.

    Fewer places than bookings already take are no contradiction: further ones fit when those are over.
    Raises Resource.DoesNotExist (404).
    """
    resource = Resource.objects.select_for_update(of=("self",)).get(id=resource_id)
    before = _terms(resource)
    for name, value in terms.items():
        setattr(resource, name, value)
    resource.save(update_fields=[*terms, "updated_at"])
    audit_record(
        actor=actor,
        action="resource.update",
        target=resource,
        organization_id=resource.organization_id,
        before=before,
        after=_terms(resource),
    )
    return resource


@transaction.atomic
def resource_feed_renew(*, resource_id: UUID, actor: Actor) -> str:
    """Give a resource's calendar a new address, and answer its token once; the old one is dead.

    Raises Resource.DoesNotExist (404).
    """
    resource = Resource.objects.select_for_update(of=("self",)).get(id=resource_id)
    token = FEED_PREFIX + secrets.token_urlsafe(24)
    resource.feed_token_hash = feed_token_hash(token)
    resource.save(update_fields=["feed_token_hash", "updated_at"])
    audit_record(
        actor=actor,
        action="resource.feed_renew",
        target=resource,
        organization_id=resource.organization_id,
    )
    return token


def feed_token_hash(token: str) -> bytes:
    """What is kept of a calendar's token, which is random and long."""
    return hashlib.sha256(token.encode()).digest()


def _terms(resource: Resource) -> dict[str, Any]:
    return {name: getattr(resource, name) for name in _AUDITED} | {"tax_rate": str(resource.tax_rate)}
