"""Section C: the catalogue."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from catalog.answers import Reach, catalog_answer
from catalog.models import Offer
from catalog.selectors import offer_of, offer_status, offers_of, offers_page
from catalog.serializers import OfferDetailOut, OfferOut, OfferQuery, offer_detail, offer_row
from config.api.pagination import list_envelope
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest, PartnerViewSet

_QUERY = OfferQuery()


class OfferViewSet(PartnerViewSet):
    """The offers a key is allowed."""

    queryset = Offer.objects.all()
    serializer_class = OfferOut
    scopes = {"list": Scope.OFFERS_READ, "retrieve": Scope.OFFERS_READ}
    opens_no_transaction = frozenset({"list", "retrieve"})

    @extend_schema(parameters=[OfferQuery], responses=list_envelope("OfferList", OfferOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        """Offers, from cache until the catalogue changes (`ETag`, 304)."""

        def make(now: datetime) -> dict[str, Any]:
            query = _QUERY.run_validation(request.GET)
            offers, pagination = offers_page(offers_of(self.credential), query, at=now)
            rows = [offer_row(offer, status=offer_status(offer, now)) for offer in offers]
            return {"data": rows, "pagination": pagination}

        return catalog_answer(request, self._reach(), ("list", request.META.get("QUERY_STRING", "")), make)

    @extend_schema(responses=OfferDetailOut)
    def retrieve(self, request: PartnerRequest, offer_id: UUID) -> HttpResponse:
        """One offer; 403 `offer_not_allowed` where the key's allow-lists leave it out."""

        def make(now: datetime) -> dict[str, Any]:
            offer = offer_of(self.credential, offer_id)
            return offer_detail(offer, status=offer_status(offer, now))

        return catalog_answer(request, self._reach(), ("offer", str(offer_id)), make)

    def _reach(self) -> Reach:
        key = self.credential
        return Reach(key.organization, key.environment, key.offer_allowlist, key.brand_allowlist)
