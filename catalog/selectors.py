"""Reads of the catalogue, in a tenant's context."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Min, Q

from catalog.exceptions import OfferNotAllowed
from catalog.models import Brand, Offer
from catalog.querysets import OfferQuerySet
from config.api.exceptions import NotFound
from config.api.pagination import filter_dates, paginate
from credentials.snapshots import Snapshot

SORTABLE = {
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "name": "name",
    "brandName": "brand_name",
    "commission": "commission_value",
}


def offers_of(credential: Snapshot) -> OfferQuerySet:
    """The offers a credential may hear of, whatever their status, with their brands."""
    return offers_within(
        credential.organization_id,
        credential.environment,
        offer_ids=credential.offer_allowlist,
        brand_ids=credential.brand_allowlist,
    )


def offers_within(
    organization_id: UUID | str,
    environment: str,
    *,
    offer_ids: Collection[UUID] = (),
    brand_ids: Collection[UUID] = (),
) -> OfferQuerySet:
    """The offers of a catalogue that are not hidden, with their brands; within allow-lists where given."""
    rows = Offer.objects.for_organization(organization_id, environment).shown()
    return rows.allowed(offer_ids=offer_ids, brand_ids=brand_ids).select_related("brand")


def offers_page(
    offers: OfferQuerySet, query: dict[str, Any], *, at: datetime
) -> tuple[list[Offer], dict[str, Any]]:
    """One page of `offers` by a validated OfferQuery, and its `pagination`.

    Found by text they come by relevance, else the newest first, unless `sortBy` says otherwise.
    Raises ValidationFailed (400) for an unknown `sortBy`, a bad date or a bad cursor.
    """
    rows = offers if query["status"] == "all" else offers.of_status(query["status"], at=at)
    if "brand_id" in query:
        rows = rows.filter(brand_id=query["brand_id"])
    if query.get("category"):
        rows = rows.in_category(query["category"])
    if "region" in query:
        rows = rows.in_region(query["region"])
    if "commission_type" in query:
        rows = rows.filter(commission_type=query["commission_type"])
    if "min_commission" in query:
        rows = rows.paying(query["min_commission"])
    sortable, sort = SORTABLE, "createdAt"
    if text := (query.get("q") or query.get("search") or "").replace("\x00", "").strip():
        rows, sortable, sort = rows.matching(text), SORTABLE | {"relevance": "relevance"}, "relevance"
    dated = filter_dates(rows, query)
    return paginate(dated, query | {"sortBy": query.get("sortBy", sort)}, sortable=sortable)


def offer_of(credential: Snapshot, offer_id: UUID) -> Offer:
    """One offer, with its brand and network.

    Raises NotFound (404), OfferNotAllowed (403) where the key's allow-lists leave it out.
    """
    rows = Offer.objects.for_organization(credential.organization_id, credential.environment)
    offer = rows.shown().select_related("brand", "network").filter(id=offer_id).first()
    if offer is None:
        raise NotFound("There is no such offer.")
    if credential.offer_allowlist and offer.id not in credential.offer_allowlist:
        raise OfferNotAllowed
    if credential.brand_allowlist and offer.brand_id not in credential.brand_allowlist:
        raise OfferNotAllowed
    return offer


def offer_status(offer: Offer, at: datetime) -> str:
    """The status an offer has at a moment: an active one is paused before its start, ended after its end."""
    if offer.status != Offer.Status.ACTIVE:
        return offer.status
    if offer.ends_at is not None and offer.ends_at <= at:
        return Offer.Status.ENDED
    if offer.starts_at is not None and offer.starts_at > at:
        return Offer.Status.PAUSED
    return offer.status


def offer_is_open(offer: Offer, at: datetime) -> bool:
    """Whether the offer pays at this moment: active, inside its dates, neither it nor its brand hidden."""
    is_shown = not offer.is_hidden and offer.brand.status == Brand.Status.ACTIVE
    return is_shown and offer_status(offer, at) == Offer.Status.ACTIVE


def next_turn(organization_id: UUID | str, environment: str, *, after: datetime) -> datetime | None:
    """When the next offer of a catalogue starts or ends by its dates: until then its answers hold."""
    turns = Offer.objects.for_organization(organization_id, environment).aggregate(
        starts=Min("starts_at", filter=Q(starts_at__gt=after)),
        ends=Min("ends_at", filter=Q(ends_at__gt=after)),
    )
    return min((turn for turn in turns.values() if turn is not None), default=None)
