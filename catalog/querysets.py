"""Reads of the catalogue."""

import re
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from functools import reduce
from math import ceil
from operator import and_
from typing import Self
from uuid import UUID

from django.contrib.postgres.search import CombinedSearchQuery, SearchQuery, SearchRank
from django.db.models import F, IntegerField, Q
from django.db.models.functions import Cast

from partners.querysets import TenantQuerySet

_WORD = re.compile(r"\w+")
_PLAIN = re.compile(r"[\w\s]*\w")


class OfferQuerySet(TenantQuerySet):
    def shown(self) -> Self:
        """Offers that partners may hear of: neither they nor their brand is hidden."""
        return self.filter(is_hidden=False, brand__status="active")

    def open(self, *, at: datetime) -> Self:
        """Active offers inside their dates."""
        return self.filter(_begun(at), ~_over(at), status="active")

    def of_status(self, status: str, *, at: datetime) -> Self:
        """Offers whose status is this one at that moment (`selectors.offer_status`)."""
        if status == "active":
            return self.open(at=at)
        if status == "ended":
            return self.filter(Q(status="ended") | Q(status="active") & _over(at))
        return self.filter(Q(status="paused") | Q(status="active") & ~_begun(at) & ~_over(at))

    def allowed(self, *, offer_ids: Collection[UUID], brand_ids: Collection[UUID]) -> Self:
        """Offers that two allow-lists let through; an empty list lets everything through."""
        rows = self.filter(id__in=offer_ids) if offer_ids else self
        return rows.filter(brand_id__in=brand_ids) if brand_ids else rows

    def in_category(self, category: str) -> Self:
        return self.filter(category__iexact=category.strip())

    def in_region(self, region: str) -> Self:
        """Offers that hold in a country: everywhere, or there by name."""
        return self.filter(Q(regions=[]) | Q(regions__contains=[region.upper()]))

    def paying(self, at_least: Decimal) -> Self:
        """Offers whose commission is at least so many per cent, or so many minor units."""
        return self.filter(
            Q(commission_type="percentage", commission_value__gte=ceil(at_least * 100))
            | Q(commission_type="flat", commission_value__gte=ceil(at_least))
        )

    def matching(self, text: str) -> Self:
        """Offers that hold these words, by `relevance` (0 to 1,000,000); none where there is no word.

        PostgreSQL reads the text as web searches are written. What is plain words also finds beginnings: the
        last one may be unfinished.
        """
        search: SearchQuery | CombinedSearchQuery
        search = SearchQuery(text, config="english", search_type="websearch")
        if _PLAIN.fullmatch(text):
            words = _WORD.findall(text.lower())
            raw = [SearchQuery(word, config="simple", search_type="raw") for word in words[:-1]]
            raw.append(SearchQuery(f"{words[-1]}:*", config="simple", search_type="raw"))
            search = search | reduce(and_, raw)
        rank = SearchRank(F("search"), search, normalization=32)
        return self.filter(search=search).annotate(relevance=Cast(rank * 1_000_000, IntegerField()))


def _begun(at: datetime) -> Q:
    return Q(starts_at=None) | Q(starts_at__lte=at)


def _over(at: datetime) -> Q:
    return Q(ends_at__isnull=False, ends_at__lte=at)


class CatalogSyncQuerySet(TenantQuerySet):
    def unsettled(self) -> Self:
        """Runs that wait or are under way."""
        return self.filter(status__in=("queued", "running"))
