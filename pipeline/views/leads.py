"""Contract D's door to leads: the same rows as contract A's, with a path for each step."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK, HTTP_201_CREATED

from config.api.pagination import list_envelope
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest
from leads.models import Lead
from leads.serializers import LeadChangeOut, LeadOut, LeadQuery, LeadResults
from leads.services.leads import lead_create, lead_move, lead_update
from leads.views import LEADS, BulkLeadViewSet
from pipeline.serializers.leads import LeadDetailOut, LeadsWrite, LeadsWriteSchema, LeadWrite
from pipeline.serializers.lists import NothingIn, ReasonIn
from pipeline.views.records import PipelineViewSet


class PipelineLeadViewSet(PipelineViewSet):
    """The organization's leads, and their steps: qualify, convert, reject."""

    queryset = Lead.objects.all()
    serializer_class = LeadOut
    scopes = {
        "list": Scope.LEADS_READ,
        "retrieve": Scope.LEADS_READ,
        "create": Scope.LEADS_WRITE,
        "update": Scope.LEADS_WRITE,
        "partial_update": Scope.LEADS_WRITE,
        "qualify": Scope.LEADS_WRITE,
        "convert": Scope.LEADS_WRITE,
        "reject": Scope.LEADS_WRITE,
    }
    opens_no_transaction = frozenset({"list"})

    @extend_schema(
        operation_id="pipeline_leads_list",
        parameters=[LeadQuery],
        responses=list_envelope("PipelineLeadList", LeadOut),
    )
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.narrowed(LEADS)

    @extend_schema(operation_id="pipeline_leads_retrieve", responses=LeadDetailOut)
    def retrieve(self, request: PartnerRequest, lead_id: UUID) -> Response:
        lead = self.found(lead_id)
        history = LeadChangeOut(lead.changes.order_by("at", "id"), many=True).data
        return Response(LeadOut(lead).data | {"history": history})

    @extend_schema(
        operation_id="pipeline_leads_create", request=LeadWrite, responses={HTTP_201_CREATED: LeadOut}
    )
    def create(self, request: PartnerRequest) -> Response:
        lead = lead_create(
            organization_id=self.organization_id,
            environment=self.environment,
            client_id=self.client_id,
            bound_company_id=self.bound,
            actor=self.actor.name,
            **self.validated(LeadWrite),
        )
        return Response(LeadOut(lead).data, status=HTTP_201_CREATED)

    @extend_schema(operation_id="pipeline_leads_update", request=LeadWrite(partial=True), responses=LeadOut)
    def update(self, request: PartnerRequest, lead_id: UUID) -> Response:
        lead = lead_update(
            lead_id=self.found(lead_id).id,
            changes=self.validated(LeadWrite, partial=True),
            bound_company_id=self.bound,
            actor=self.actor,
        )
        return Response(LeadOut(lead).data)

    @extend_schema(operation_id="pipeline_leads_partial_update", request=LeadWrite, responses=LeadOut)
    def partial_update(self, request: PartnerRequest, lead_id: UUID) -> Response:
        return self.update(request, lead_id)

    @extend_schema(request=NothingIn, responses=LeadOut)
    def qualify(self, request: PartnerRequest, lead_id: UUID) -> Response:
        self.validated(NothingIn)
        return self._moved(lead_id, Lead.Status.QUALIFIED)

    @extend_schema(request=NothingIn, responses=LeadOut)
    def convert(self, request: PartnerRequest, lead_id: UUID) -> Response:
        self.validated(NothingIn)
        return self._moved(lead_id, Lead.Status.CONVERTED)

    @extend_schema(request=ReasonIn, responses=LeadOut)
    def reject(self, request: PartnerRequest, lead_id: UUID) -> Response:
        return self._moved(lead_id, Lead.Status.REJECTED, self.validated(ReasonIn)["reason"])

    def _moved(self, lead_id: UUID, status: str, reason: str = "") -> Response:
        lead = self.found(lead_id)
        moved = lead_move(lead_id=lead.id, status=status, reason=reason, actor=self.actor)
        return Response(LeadOut(moved).data)


class PipelineLeadBulkViewSet(BulkLeadViewSet, PipelineViewSet):
    """Many leads in one call."""

    @extend_schema(
        operation_id="pipeline_leads_bulk", request=LeadsWriteSchema, responses={HTTP_200_OK: LeadResults}
    )
    def create(self, request: PartnerRequest) -> Response:
        return self.taken_in(
            self.validated(LeadsWrite)["leads"],
            client_id=self.client_id,
            bound_company_id=self.bound,
            actor=self.actor.name,
        )
