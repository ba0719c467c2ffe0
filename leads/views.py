"""Section A: leads."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config.api.exceptions import ValidationFailed
from config.api.pagination import ListQuery, filter_dates, list_envelope, paginate
from credentials.scopes import Scope
from credentials.viewsets import OrganizationNamed, PartnerRequest, PartnerViewSet
from leads import services
from leads.models import Lead
from leads.serializers import LeadIn, LeadOut

SORTABLE = {
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "name": "name",
    "status": "status",
}


class LeadViewSet(OrganizationNamed, PartnerViewSet):
    """The organization's leads."""

    queryset = Lead.objects.all()
    serializer_class = LeadOut
    scopes = {"list": Scope.LEADS_READ, "create": Scope.LEADS_WRITE}
    idempotency_required = True

    @extend_schema(parameters=[ListQuery], responses=list_envelope("LeadList", LeadOut))
    def list(self, request: PartnerRequest) -> Response:
        query: dict[str, Any] = self.validated(ListQuery, data=request.query_params)
        rows: Any = filter_dates(self.get_queryset(), query)
        if "status" in query:
            if query["status"] not in Lead.Status:
                raise ValidationFailed(status=[f"Choose one of: {', '.join(Lead.Status.values)}."])
            rows = rows.filter(status=query["status"])
        if "search" in query:
            rows = rows.matching(query["search"])
        found, pagination = paginate(rows, query, sortable=SORTABLE)
        return Response({"data": LeadOut(found, many=True).data, "pagination": pagination})

    @extend_schema(request=LeadIn, responses={HTTP_201_CREATED: LeadOut})
    def create(self, request: PartnerRequest) -> Response:
        data = self.validated(LeadIn)
        data.pop("organizationId")
        lead = services.lead_create(
            organization_id=self.organization_id,
            environment=self.environment,
            client_id=request.auth.client_id,
            **data,
        )
        return Response(LeadOut(lead).data, status=HTTP_201_CREATED)
