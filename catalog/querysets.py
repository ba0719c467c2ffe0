"""Reads of the catalogue."""

from collections.abc import Collection
from datetime import datetime
from typing import Self
from uuid import UUID

from django.db.models import Q

from partners.querysets import TenantQuerySet


class OfferQuerySet(TenantQuerySet):
    def shown(self) -> Self:
        """Offers that partners may hear of: neither they nor their brand is hidden."""
        return self.filter(is_hidden=False, brand__status="active")

    def open(self, *, at: datetime) -> Self:
        """Active offers inside their dates."""
        return self.filter(
            Q(starts_at=None) | Q(starts_at__lte=at), Q(ends_at=None) | Q(ends_at__gt=at), status="active"
        )

    def allowed(self, *, offer_ids: Collection[UUID], brand_ids: Collection[UUID]) -> Self:
        """Offers that two allow-lists let through; an empty list lets everything through."""
        rows = self.filter(id__in=offer_ids) if offer_ids else self
        return rows.filter(brand_id__in=brand_ids) if brand_ids else rows


class CatalogSyncQuerySet(TenantQuerySet):
    def unsettled(self) -> Self:
        """Runs that wait or are under way."""
        return self.filter(status__in=("queued", "running"))
