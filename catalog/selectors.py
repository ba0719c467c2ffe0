"""Reads of the catalogue, in a tenant's context."""

from datetime import datetime
from uuid import UUID

from catalog.exceptions import OfferNotAllowed
from catalog.models import Brand, Offer
from catalog.querysets import OfferQuerySet
from config.api.exceptions import NotFound
from credentials.snapshots import Snapshot


def offers_of(credential: Snapshot) -> OfferQuerySet:
    """The offers a credential may hear of, whatever their status, with their brands."""
    rows = Offer.objects.for_organization(credential.organization_id, credential.environment)
    return (
        rows.shown()
        .allowed(offer_ids=credential.offer_allowlist, brand_ids=credential.brand_allowlist)
        .select_related("brand")
    )


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


def offer_is_open(offer: Offer, at: datetime) -> bool:
    """Whether the offer pays at this moment: active, inside its dates, neither it nor its brand hidden."""
    return (
        offer.status == Offer.Status.ACTIVE
        and not offer.is_hidden
        and offer.brand.status == Brand.Status.ACTIVE
        and (offer.starts_at is None or offer.starts_at <= at)
        and (offer.ends_at is None or offer.ends_at > at)
    )
