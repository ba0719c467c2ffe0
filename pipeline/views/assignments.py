"""Contract D: leads offered to agents."""

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
from pipeline.models import Assignment
from pipeline.serializers.assignments import (
    AssignmentDetail,
    AssignmentIn,
    AssignmentOut,
    AssignmentQuery,
    AssignmentRejectedOut,
)
from pipeline.serializers.lists import NothingIn, ReasonIn
from pipeline.services.assignments import assignment_accept, assignment_create, assignment_reject
from pipeline.views.records import FILTERS, OF_LEAD, SORTABLE, PipelineViewSet

ASSIGNMENTS = Listing(
    Assignment,
    AssignmentOut,
    sortable={**SORTABLE, "answerBy": "answer_by"},
    states=Assignment.Status,
    searched=(OF_LEAD, "reason"),
    query=AssignmentQuery,
    filters={**FILTERS, "exhausted": Filter("is_exhausted = {}", "boolean")},
)


class AssignmentViewSet(PipelineViewSet):
    """Leads offered to agents, who take them or turn them down."""

    queryset = Assignment.objects.all()
    serializer_class = AssignmentOut
    scopes = {
        "list": Scope.ASSIGNMENTS_READ,
        "retrieve": Scope.ASSIGNMENTS_READ,
        "create": Scope.ASSIGNMENTS_WRITE,
        "accept": Scope.ASSIGNMENTS_WRITE,
        "reject": Scope.ASSIGNMENTS_WRITE,
    }
    opens_no_transaction = frozenset({"list"})
    made_in = ANY_ENVIRONMENT

    @extend_schema(parameters=[AssignmentQuery], responses=list_envelope("AssignmentList", AssignmentOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.narrowed(ASSIGNMENTS)

    @extend_schema(responses=AssignmentDetail)
    def retrieve(self, request: PartnerRequest, assignment_id: UUID) -> Response:
        return self.shown(self.found(assignment_id))

    @extend_schema(request=AssignmentIn, responses={HTTP_201_CREATED: AssignmentOut})
    def create(self, request: PartnerRequest) -> Response:
        assignment = assignment_create(
            client_id=self.client_id,
            bound_company_id=self.bound,
            actor=self.actor,
            **self.validated(AssignmentIn),
        )
        return Response(AssignmentOut(assignment).data, status=HTTP_201_CREATED)

    @extend_schema(request=NothingIn, responses=AssignmentOut)
    def accept(self, request: PartnerRequest, assignment_id: UUID) -> Response:
        self.validated(NothingIn)
        assignment = self.found(assignment_id)
        accepted = assignment_accept(assignment_id=assignment.id, actor=self.actor)
        return Response(AssignmentOut(accepted).data)

    @extend_schema(request=ReasonIn, responses=AssignmentRejectedOut)
    def reject(self, request: PartnerRequest, assignment_id: UUID) -> Response:
        reason = self.validated(ReasonIn)["reason"]
        assignment = self.found(assignment_id)
        ended = assignment_reject(assignment_id=assignment.id, reason=reason, actor=self.actor)
        following = AssignmentOut(ended.next).data if ended.next else None
        return Response(AssignmentOut(ended.assignment).data | {"next": following})
