"""Offers and brands by people's hands: made, changed, and given back to their network."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.exceptions import NameTaken
from catalog.models import Brand, Offer
from catalog.slugs import slug_free
from catalog.versions import catalog_changing, catalog_lock
from partners.services.audit import Actor, audit_record

# What a network says of an offer, and a person may say instead; `brand` is not among them.
OFFER_FIELDS = (
    "name", "category", "description", "image_urls", "tracking_url", "preview_url", "commission_type",
    "commission_value", "commission_currency", "status", "starts_at", "ends_at", "regions",
    "daily_conversion_cap", "total_conversion_cap", "daily_revenue_cap_minor", "total_revenue_cap_minor",
)  # fmt: skip
# Ours alone: no network knows of them.
OWN_FIELDS = ("default_share", "is_hidden")
BRAND_FIELDS = ("name", "website", "logo_url")
_TIMES = ("starts_at", "ends_at")


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """An offer's columns as JSON keeps them."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else list(value) if _many(value) else value
        for name, value in values.items()
    }


def column(name: str, value: Any) -> Any:
    """What `plain` made of a column, for the column again."""
    return datetime.fromisoformat(value) if name in _TIMES and value else value


@transaction.atomic
def brand_create(*, organization_id: UUID, environment: str, actor: Actor, **terms: Any) -> Brand:
    """Add a brand of our own; `terms` are its columns. Without a `slug` it gets one of its name.

    Raises NameTaken (409).
    """
    held = catalog_lock(organization_id=organization_id, environment=environment)
    tenant: dict[str, Any] = {"organization_id": organization_id, "environment": environment}
    slug = terms.pop("slug", "") or slug_free(Brand, terms["name"], taken=set(), **tenant)
    catalog_changing(held)
    try:
        with transaction.atomic():
            made = Brand.objects.create(**tenant, slug=slug, **terms)
    except IntegrityError as error:
        raise NameTaken("There is a brand of this short name.") from error
    audit_record(
        actor=actor,
        action="brand.create",
        target=made,
        organization_id=organization_id,
        after={"name": made.name, "slug": slug, "status": made.status},
    )
    return made


@transaction.atomic
def brand_update(*, brand_id: UUID, actor: Actor, **terms: Any) -> Brand:
    """Change a brand. What is changed of a network's brand stays as it is, whatever its network says.

    Raises Brand.DoesNotExist (404), NameTaken (409).
    """
    found = Brand.objects.get(id=brand_id)
    held = catalog_lock(organization_id=found.organization_id, environment=found.environment)
    brand = Brand.objects.select_for_update(of=("self",)).get(id=brand_id)
    changed = {name: value for name, value in terms.items() if getattr(brand, name) != value}
    if not changed:
        return brand
    catalog_changing(held)
    before = {name: getattr(brand, name) for name in changed}
    for name, value in changed.items():
        setattr(brand, name, value)
    if brand.network_id:
        overridden = {*brand.overridden_fields, *(name for name in changed if name in BRAND_FIELDS)}
        brand.overridden_fields = sorted(overridden)
    try:
        with transaction.atomic():
            brand.save()
    except IntegrityError as error:
        raise NameTaken("There is a brand of this short name.") from error
    audit_record(
        actor=actor,
        action="brand.update",
        target=brand,
        organization_id=brand.organization_id,
        before=before,
        after=changed,
    )
    return brand


@transaction.atomic
def offer_create(*, brand_id: UUID, actor: Actor, **terms: Any) -> Offer:
    """Add an offer of our own, that no network knows; `terms` are its columns.

    Raises Brand.DoesNotExist (404).
    """
    brand = Brand.objects.get(id=brand_id)
    tenant: dict[str, Any] = {"organization_id": brand.organization_id, "environment": brand.environment}
    held = catalog_lock(**tenant)
    catalog_changing(held)
    brand = Brand.objects.select_for_update(no_key=True, of=("self",)).get(id=brand_id)
    slug = slug_free(Offer, terms["name"], taken=set(), **tenant)
    made = Offer.objects.create(**tenant, brand=brand, brand_name=brand.name, slug=slug, **terms)
    audit_record(
        actor=actor,
        action="offer.create",
        target=made,
        organization_id=brand.organization_id,
        after=_shown(made),
    )
    return made


@transaction.atomic
def offer_update(*, offer_id: UUID, actor: Actor, restore: Iterable[str] = (), **terms: Any) -> Offer:
    """Change an offer; `terms` are columns.

    What is changed of a network's offer stays so, whatever its network says later; the fields named in
    `restore` go back to what the network says, and follow it again. What changes nothing is not audited.
    Raises Offer.DoesNotExist (404).
    """
    found = Offer.objects.only("organization_id", "environment").get(id=offer_id)
    held = catalog_lock(organization_id=found.organization_id, environment=found.environment)
    offer = Offer.objects.select_for_update(of=("self",)).get(id=offer_id)
    before, kept = _shown(offer), set(offer.overridden_fields)
    given_back = {name for name in restore if name in kept}
    for name in given_back:
        setattr(offer, name, column(name, offer.network_values.get(name)))
    for name, value in terms.items():
        if name not in given_back and getattr(offer, name) != value:
            setattr(offer, name, value)
            if offer.network_id and name in OFFER_FIELDS:
                kept.add(name)
    offer.overridden_fields = sorted(kept - given_back)
    after = _shown(offer)
    if after == before:
        return offer
    catalog_changing(held)
    offer.save()
    audit_record(
        actor=actor,
        action="offer.update",
        target=offer,
        organization_id=offer.organization_id,
        before=before,
        after=after,
    )
    return offer


def _shown(offer: Offer) -> dict[str, Any]:
    fields = {name: getattr(offer, name) for name in (*OFFER_FIELDS, *OWN_FIELDS)}
    return plain(fields) | {"overridden_fields": list(offer.overridden_fields)}


def _many(value: Any) -> bool:
    return isinstance(value, list | tuple)
