"""Request bins: made and read as everything else of contract D, and the public door they receive at."""

from typing import Any
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from config.api.client_address import client_address
from config.api.errors import as_domain_error, error_response, internal_error
from config.api.pagination import ListQuery, filter_dates, list_envelope, paginate
from config.api.request_id import request_id_of
from config.tenancy import ANY_ENVIRONMENT, Environment
from credentials.access import ClientApiViewSet
from credentials.scopes import Scope
from webhooks.models import BinnedRequest, RequestBin
from webhooks.serializers import BinnedRequestOut, RequestBinChanges, RequestBinIn, RequestBinOut
from webhooks.services.request_bins import (
    BinAnswer,
    request_bin_create,
    request_bin_delete,
    request_bin_receive,
    request_bin_update,
)

log = structlog.get_logger(__name__)

_BY_TIME = {"createdAt": "created_at"}
# Of what is longer only the beginning is read.
_READ = 1_000_000


class RequestBinViewSet(ClientApiViewSet):
    """The request bins of an organization."""

    queryset = RequestBin.objects.none()
    serializer_class = RequestBinOut
    scopes = {
        "list": Scope.WEBHOOKS_READ,
        "create": Scope.WEBHOOKS_WRITE,
        "update": Scope.WEBHOOKS_WRITE,
        "destroy": Scope.WEBHOOKS_WRITE,
        "requests": Scope.WEBHOOKS_READ,
    }

    @extend_schema(parameters=[ListQuery], responses=list_envelope("RequestBinList", RequestBinOut))
    def list(self, request: Request) -> Response:
        query = self.validated(ListQuery, request.query_params)
        rows = filter_dates(self._bins(), query)
        found, pagination = paginate(rows, query, sortable=_BY_TIME)
        return Response({"data": RequestBinOut(found, many=True).data, "pagination": pagination})

    @extend_schema(request=RequestBinIn, responses={HTTP_201_CREATED: RequestBinOut})
    def create(self, request: Request) -> Response:
        data = self.validated(RequestBinIn)
        caller = self.organization(data.pop("organization_id", None))
        given = data.pop("environment", None) or Environment.SANDBOX
        environment = given if caller.environment == ANY_ENVIRONMENT else caller.environment
        made = request_bin_create(
            organization_id=caller.organization_id, environment=environment, actor=caller.actor, **data
        )
        return Response(RequestBinOut(made).data, status=HTTP_201_CREATED)

    @extend_schema(request=RequestBinChanges, responses=RequestBinOut)
    def update(self, request: Request, bin_id: UUID) -> Response:
        request_bin = self._bins().get(id=bin_id)
        changes = self.validated(RequestBinChanges, partial=True)
        changed = request_bin_update(request_bin_id=request_bin.id, changes=changes, actor=self.caller.actor)
        return Response(RequestBinOut(changed).data)

    @extend_schema(responses={HTTP_204_NO_CONTENT: None})
    def destroy(self, request: Request, bin_id: UUID) -> Response:
        request_bin = self._bins().get(id=bin_id)
        request_bin_delete(request_bin_id=request_bin.id, actor=self.caller.actor)
        return Response(status=HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[ListQuery], responses=list_envelope("BinnedRequestList", BinnedRequestOut))
    def requests(self, request: Request, bin_id: UUID) -> Response:
        query = self.validated(ListQuery, request.query_params)
        rows: Any = BinnedRequest.objects.filter(request_bin=self._bins().get(id=bin_id))
        found, pagination = paginate(filter_dates(rows, query), query, sortable=_BY_TIME)
        return Response({"data": BinnedRequestOut(found, many=True).data, "pagination": pagination})

    def _bins(self) -> Any:
        caller = self.organization()
        return RequestBin.objects.for_organization(caller.organization_id)


@csrf_exempt
@never_cache
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """Keep what was sent to a bin, and answer what the bin answers; nothing sent comes back.

    Refusals have the contract's body: 404 where no bin is, 429 for too many requests or guesses.
    """
    request_id = request_id_of(request.META)
    structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        answer = _received(request, token)
        response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    except Exception as exc:
        error = as_domain_error(exc)
        if error is None:
            log.exception("unhandled_error", path="/bins")
            error = internal_error()
        response = error_response(error, request_id=request_id)
    response["X-Request-Id"] = request_id
    return response


def _received(request: HttpRequest, token: str) -> BinAnswer:
    body = request.read(_READ + 1)
    length = request.headers.get("content-length", "")
    return request_bin_receive(
        token=token,
        method=(request.method or "")[:10],
        headers={
            name[:200]: value[:2000].replace("\x00", "\ufffd")
            for name, value in request.headers.items()
            if name != "Cookie"
        },
        body=body,
        body_bytes=max(len(body), int(length[:9]) if length.isdecimal() else 0),
        ip=client_address(request.META),
    )
