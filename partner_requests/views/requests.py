"""Contract E: requests, submitted and followed."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config.api.exceptions import NotFound, ValidationFailed
from config.api.pagination import ListQuery, filter_dates, list_envelope, list_query, paginate
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest as Request
from credentials.viewsets import PartnerViewSet
from partner_requests.models import PartnerRequest
from partner_requests.serializers import PartnerRequestIn, PartnerRequestOut, PartnerRequestRow, SubmittedOut
from partner_requests.services.lifecycle import partner_request_submit
from partners.services.audit import Actor

_SORTABLE = {"createdAt": "created_at", "dueAt": "due_at", "status": "status", "type": "type"}


class PartnerRequestViewSet(PartnerViewSet):
    """The calling partner's requests; a key of the whole organization sees all of them."""

    queryset = PartnerRequest.objects.all()
    serializer_class = PartnerRequestOut
    scopes = {"list": Scope.REQUESTS_READ, "retrieve": Scope.REQUESTS_READ, "create": Scope.REQUESTS_WRITE}

    @extend_schema(parameters=[ListQuery], responses=list_envelope("RequestList", PartnerRequestRow))
    def list(self, request: Request) -> Response:
        query = list_query(request.query_params)
        rows = filter_dates(self.get_queryset(), query)
        if "status" in query:
            if query["status"].upper() not in PartnerRequest.Status:
                choices = ", ".join(PartnerRequest.Status.values)
                raise ValidationFailed(status=[f"Choose one of: {choices}."])
            rows = rows.filter(status=query["status"].upper())
        if "search" in query:
            rows = rows.filter(type__icontains=query["search"])
        found, pagination = paginate(rows, query, sortable=_SORTABLE)
        return Response({"data": PartnerRequestRow(found, many=True).data, "pagination": pagination})

    @extend_schema(request=PartnerRequestIn, responses={HTTP_201_CREATED: SubmittedOut})
    def create(self, request: Request) -> Response:
        data = self.validated(PartnerRequestIn)
        made = partner_request_submit(
            organization_id=self.organization_id,
            environment=self.environment,
            client_id=request.auth.client_id,
            actor=Actor(request.auth.key_id),
            **data,
        )
        return Response(SubmittedOut(made).data, status=HTTP_201_CREATED)

    @extend_schema(responses=PartnerRequestOut)
    def retrieve(self, request: Request, request_id: UUID) -> Response:
        found = self.get_queryset().prefetch_related("transitions").filter(id=request_id).first()
        if found is None:
            raise NotFound
        return Response(PartnerRequestOut(found).data)

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        credential = self.credential
        return rows if credential.organization_wide else rows.filter(client_id=credential.client_id)
