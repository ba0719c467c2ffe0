"""Contract D: quotes."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config.api.listing import Filter, Listing
from config.api.pagination import list_envelope
from config.tenancy import ANY_ENVIRONMENT
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest
from pipeline.models import Quote
from pipeline.serializers.lists import NothingIn, ReasonIn
from pipeline.serializers.quotes import (
    QuoteChanges,
    QuoteDetail,
    QuoteIn,
    QuoteOut,
    QuoteQuery,
    VersionOut,
)
from pipeline.services.quotes import (
    quote_accept,
    quote_create,
    quote_reject,
    quote_revise,
    quote_send,
    quote_update,
)
from pipeline.views.records import FILTERS, OF_LEAD, SORTABLE, PipelineViewSet

QUOTES = Listing(
    Quote,
    QuoteOut,
    sortable={**SORTABLE, "totalMinor": "total_minor", "validUntil": "valid_until"},
    states=Quote.Status,
    searched=("title", OF_LEAD),
    query=QuoteQuery,
    filters={**FILTERS, "seriesId": Filter("series_id = {}", "uuid")},
)


class QuoteViewSet(PipelineViewSet):
    """Quotes in versions: written, sent, settled, revised."""

    queryset = Quote.objects.all()
    serializer_class = QuoteOut
    scopes = {
        "list": Scope.QUOTES_READ,
        "retrieve": Scope.QUOTES_READ,
        "create": Scope.QUOTES_WRITE,
        "update": Scope.QUOTES_WRITE,
        "partial_update": Scope.QUOTES_WRITE,
        "send": Scope.QUOTES_WRITE,
        "accept": Scope.QUOTES_WRITE,
        "reject": Scope.QUOTES_WRITE,
        "revise": Scope.QUOTES_WRITE,
    }
    opens_no_transaction = frozenset({"list"})
    made_in = ANY_ENVIRONMENT

    @extend_schema(parameters=[QuoteQuery], responses=list_envelope("QuoteList", QuoteOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.narrowed(QUOTES)

    @extend_schema(responses=QuoteDetail)
    def retrieve(self, request: PartnerRequest, quote_id: UUID) -> Response:
        quote = self.found(quote_id)
        versions = Quote.objects.filter(series_id=quote.series_id).order_by("version")
        return self.shown(quote, versions=VersionOut(versions, many=True).data)

    @extend_schema(request=QuoteIn, responses={HTTP_201_CREATED: QuoteOut})
    def create(self, request: PartnerRequest) -> Response:
        quote = quote_create(
            client_id=self.client_id,
            bound_company_id=self.bound,
            actor=self.actor,
            **self.validated(QuoteIn),
        )
        return Response(QuoteOut(quote).data, status=HTTP_201_CREATED)

    @extend_schema(request=QuoteChanges, responses=QuoteOut)
    def update(self, request: PartnerRequest, quote_id: UUID) -> Response:
        changes = self.validated(QuoteChanges)
        return self._done(quote_update, quote_id, changes=changes)

    @extend_schema(request=QuoteChanges, responses=QuoteOut)
    def partial_update(self, request: PartnerRequest, quote_id: UUID) -> Response:
        return self.update(request, quote_id)

    @extend_schema(request=NothingIn, responses=QuoteOut)
    def send(self, request: PartnerRequest, quote_id: UUID) -> Response:
        self.validated(NothingIn)
        return self._done(quote_send, quote_id)

    @extend_schema(request=NothingIn, responses=QuoteOut)
    def accept(self, request: PartnerRequest, quote_id: UUID) -> Response:
        self.validated(NothingIn)
        return self._done(quote_accept, quote_id)

    @extend_schema(request=ReasonIn, responses=QuoteOut)
    def reject(self, request: PartnerRequest, quote_id: UUID) -> Response:
        return self._done(quote_reject, quote_id, reason=self.validated(ReasonIn)["reason"])

    @extend_schema(request=QuoteChanges, responses={HTTP_201_CREATED: QuoteOut})
    def revise(self, request: PartnerRequest, quote_id: UUID) -> Response:
        changes = self.validated(QuoteChanges)
        response = self._done(quote_revise, quote_id, changes=changes)
        response.status_code = HTTP_201_CREATED
        return response

    def _done(self, step: Any, quote_id: UUID, **given: Any) -> Response:
        quote = step(quote_id=self.found(quote_id).id, actor=self.actor, **given)
        return Response(QuoteOut(quote).data)
