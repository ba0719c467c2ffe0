"""What a run reads is taken in page by page, and what it missed is ended."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog.adapters.base import NetworkBrand, NetworkOffer, Page
from catalog.exceptions import PageTaken
from catalog.models import (
    Brand,
    CatalogSync,
    CatalogSyncDifference,
    CatalogSyncFailure,
    CatalogVersion,
    Offer,
)
from catalog.querysets import OfferQuerySet
from catalog.services.offers import BRAND_FIELDS, OFFER_FIELDS, column, plain
from catalog.slugs import slug_free
from catalog.versions import catalog_changing, catalog_lock

Action = CatalogSyncDifference.Action
# Readings of a catalogue until what they both missed counts as gone.
READINGS = 2


@transaction.atomic
def page_take(*, sync: CatalogSync, page: Page) -> CatalogSync:
    """Take in the page that `sync`, as the caller read it, was at, and move it on, in one transaction.

    A repetition finds the run moved on: raises PageTaken, and so it does once the run is canceled.
    """
    held = catalog_lock(organization_id=sync.organization_id, environment=sync.environment)
    sync = _locked(sync)
    _offers_take(sync, page.offers, held)
    _failures_take(sync, page)
    sync.page_count += 1
    sync.reading_count += page.seen
    sync.cursor, sync.trouble = page.next_cursor, None
    if page.total is not None:
        sync.expected_count = page.total
    if not page.next_cursor:
        _reading_end(sync)
    sync.save()
    return sync


@transaction.atomic
def reading_restart(*, sync: CatalogSync) -> CatalogSync:
    """Begin the present reading again: it met fewer offers than the network says there are."""
    sync = _locked(sync)
    sync.cursor, sync.reading_count = "", 0
    sync.save()
    return sync


def is_short(sync: CatalogSync, page: Page) -> bool:
    """Whether the reading would end with this page before it met as many as the network says there are."""
    met = sync.reading_count + page.seen
    return not page.next_cursor and page.total is not None and met < page.total


@transaction.atomic
def vanished_end(*, sync: CatalogSync) -> CatalogSync:
    """End what no reading of this complete run met. Offers are ended, never deleted; once a run."""
    held = catalog_lock(organization_id=sync.organization_id, environment=sync.environment)
    sync = _locked(sync)
    gone = list(_missed(sync).select_for_update(of=("self",)))
    if gone:
        catalog_changing(held)
    differences = []
    for offer in gone:
        before = {"status": offer.network_values.get("status", offer.status)}
        offer.network_values = {**offer.network_values, "status": Offer.Status.ENDED}
        if "status" not in offer.overridden_fields:
            offer.status = Offer.Status.ENDED
        offer.updated_at = timezone.now()
        differences.append(_difference(sync, offer, Action.ENDED, before, {"status": Offer.Status.ENDED}))
    Offer.objects.bulk_update(gone, ["network_values", "status", "updated_at"], batch_size=500)
    CatalogSyncDifference.objects.bulk_create(differences, batch_size=500)
    sync.ended_count += len(gone)
    sync.save()
    return sync


def _locked(sync: CatalogSync) -> CatalogSync:
    now = CatalogSync.objects.select_for_update(of=("self",)).select_related("network").get(id=sync.id)
    as_read = (CatalogSync.Status.RUNNING, sync.reading_number, sync.cursor, sync.is_read, sync.page_count)
    if (now.status, now.reading_number, now.cursor, now.is_read, now.page_count) != as_read:
        raise PageTaken
    return now


def _missed(sync: CatalogSync) -> OfferQuerySet:
    """The network's offers that this run has not met, and that are not ended yet."""
    unseen = Q(seen_in_sync=None) | ~Q(seen_in_sync=sync.id)
    offers = Offer.objects.filter(unseen, network_id=sync.network_id)
    return offers.exclude(network_values__status=Offer.Status.ENDED)


def _reading_end(sync: CatalogSync) -> None:
    """Behind the last page: read once more where something was missed, else go on to the end."""
    if sync.reading_number < READINGS and _missed(sync).exists():
        sync.reading_number += 1
        sync.reading_count = 0
    else:
        sync.is_read = True


def _offers_take(sync: CatalogSync, offers: Iterable[NetworkOffer], held: CatalogVersion) -> None:
    """Make, change or leave as they are; counts each offer once a run."""
    # of two with one id the later one is meant
    by_id = {offer.external_id: offer for offer in offers}
    if not by_id:
        return
    brands = _brands_take(sync, {offer.brand.external_id: offer.brand for offer in by_id.values()}, held)
    rows = Offer.objects.filter(network_id=sync.network_id, external_id__in=by_id)
    known = {offer.external_id: offer for offer in rows.select_for_update(of=("self",))}
    made, changed, differences, slugs = [], [], [], set[str]()
    for identity, said in by_id.items():
        values, brand = _values(said), brands[said.brand.external_id]
        offer = known.get(identity)
        if offer is None:
            offer = _made(sync, said, brand, values, slugs)
            made.append(offer)
            differences.append(_difference(sync, offer, Action.CREATED, {}, values))
            sync.seen_count += 1
            sync.created_count += 1
            continue
        before = offer.network_values
        news = {name: value for name, value in values.items() if before.get(name) != value}
        moved = offer.brand_id != brand.id
        if news or moved:
            offer.network_values = values
            for name, value in news.items():
                if name in OFFER_FIELDS and name not in offer.overridden_fields:
                    setattr(offer, name, column(name, value))
            offer.brand, offer.brand_name, offer.updated_at = brand, brand.name, timezone.now()
            changed.append(offer)
            was = {name: before.get(name) for name in news}
            differences.append(_difference(sync, offer, Action.UPDATED, was, news))
        if offer.seen_in_sync != sync.id:
            sync.seen_count += 1
            sync.updated_count += bool(news or moved)
            sync.unchanged_count += not (news or moved)
    if made or changed:
        catalog_changing(held)
    Offer.objects.bulk_create(made)
    Offer.objects.bulk_update(
        changed, [*OFFER_FIELDS, "brand", "brand_name", "network_values", "updated_at"], batch_size=200
    )
    CatalogSyncDifference.objects.bulk_create(differences)
    _seen(sync, by_id)


def _seen(sync: CatalogSync, external_ids: Iterable[str]) -> None:
    rows = Offer.objects.filter(network_id=sync.network_id, external_id__in=list(external_ids))
    rows.update(seen_in_sync=sync.id)


def _made(
    sync: CatalogSync, said: NetworkOffer, brand: Brand, values: Mapping[str, Any], slugs: set[str]
) -> Offer:
    tenant: dict[str, Any] = {"organization_id": sync.organization_id, "environment": sync.environment}
    return Offer(
        **tenant,
        brand=brand,
        brand_name=brand.name,
        network_id=sync.network_id,
        external_id=said.external_id,
        slug=slug_free(Offer, said.name, taken=slugs, **tenant),
        default_share=sync.network.default_share,
        network_values=dict(values),
        **{name: column(name, values[name]) for name in OFFER_FIELDS},
    )


def _brands_take(
    sync: CatalogSync, said: Mapping[str, NetworkBrand], held: CatalogVersion
) -> dict[str, Brand]:
    """The page's brands by their external ids: made where they are new, changed where nobody else did."""
    rows = Brand.objects.filter(network_id=sync.network_id, external_id__in=said)
    known = {brand.external_id: brand for brand in rows.select_for_update(of=("self",))}
    tenant: dict[str, Any] = {"organization_id": sync.organization_id, "environment": sync.environment}
    slugs = set[str]()
    for identity, theirs in said.items():
        values = {name: getattr(theirs, name) for name in BRAND_FIELDS}
        brand = known.get(identity)
        if brand is None:
            catalog_changing(held)
            slug = slug_free(Brand, theirs.name, taken=slugs, **tenant)
            known[identity] = Brand.objects.create(
                **tenant, network_id=sync.network_id, external_id=identity, slug=slug, **values
            )
            continue
        news = {
            name: value
            for name, value in values.items()
            if name not in brand.overridden_fields and getattr(brand, name) != value
        }
        if news:
            catalog_changing(held)
            for name, value in news.items():
                setattr(brand, name, value)
            brand.save(update_fields=[*news, "updated_at"])
    return known


def _failures_take(sync: CatalogSync, page: Page) -> None:
    """Keep what could not be taken in, once a run; its offer, where there is one, was met all the same."""
    ids = [one.external_id for one in page.unreadable if one.external_id]
    seen = set(sync.failures.filter(external_id__in=ids).values_list("external_id", flat=True))
    fresh = []
    for one in page.unreadable:
        # without an id it cannot be told from what the first reading met
        if one.external_id in seen or (not one.external_id and sync.reading_number > 1):
            continue
        seen |= {one.external_id} - {""}
        fresh.append(
            CatalogSyncFailure(
                organization_id=sync.organization_id,
                environment=sync.environment,
                sync=sync,
                external_id=one.external_id,
                name=one.name,
                reasons=dict(one.reasons),
                received=_as_json(one.received),
            )
        )
    CatalogSyncFailure.objects.bulk_create(fresh)
    sync.seen_count += len(fresh)
    sync.failed_count += len(fresh)
    if ids:
        _seen(sync, ids)


def _as_json(value: Any) -> Any:
    """What was received, as JSON that PostgreSQL keeps: amounts as text, no NUL."""
    if isinstance(value, dict):
        return {str(name).replace("\x00", ""): _as_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    if value is None or isinstance(value, bool | int):
        return value
    return str(value).replace("\x00", "")


def _values(said: NetworkOffer) -> dict[str, Any]:
    values = asdict(said)
    return plain({name: values[name] for name in OFFER_FIELDS}) | {"brand": said.brand.name}


def _difference(
    sync: CatalogSync, offer: Offer, action: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> CatalogSyncDifference:
    return CatalogSyncDifference(
        organization_id=sync.organization_id,
        environment=sync.environment,
        sync=sync,
        offer=offer,
        action=action,
        before=dict(before),
        after=dict(after),
    )
