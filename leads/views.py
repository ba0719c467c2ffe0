"""Section A: leads."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config.api.listing import Listing
from config.api.pagination import ListQuery, list_envelope
from credentials.scopes import Scope
from credentials.viewsets import OrganizationNamed, PartnerRequest, PartnerViewSet
from leads import services
from leads.models import Lead
from leads.serializers import LeadIn, LeadOut

LEADS = Listing(
    Lead,
    LeadOut,
    sortable={"createdAt": "created_at", "updatedAt": "updated_at", "name": "name", "status": "status"},
    states=Lead.Status,
    searched=("name", "email", "phone", "source"),
)


class LeadViewSet(OrganizationNamed, PartnerViewSet):
    """The organization's leads."""

    queryset = Lead.objects.all()
    serializer_class = LeadOut
    scopes = {"list": Scope.LEADS_READ, "create": Scope.LEADS_WRITE}
    opens_no_transaction = frozenset({"list"})
    idempotency_required = True

    @extend_schema(parameters=[ListQuery], responses=list_envelope("LeadList", LeadOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.listed(LEADS)

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
