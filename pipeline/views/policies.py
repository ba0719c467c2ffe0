"""Contract D: policies."""

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
from pipeline.models import Policy
from pipeline.serializers.policies import (
    ActivateIn,
    PolicyCancelIn,
    PolicyChanges,
    PolicyDetail,
    PolicyIn,
    PolicyOut,
    PolicyQuery,
)
from pipeline.services.policies import policy_activate, policy_cancel, policy_create, policy_update
from pipeline.views.records import FILTERS, OF_LEAD, SORTABLE, PipelineViewSet

POLICIES = Listing(
    Policy,
    PolicyOut,
    sortable={
        **SORTABLE,
        "number": "number",
        "premiumMinor": "premium_minor",
        "startsOn": "starts_on",
        "endsOn": "ends_on",
    },
    states=Policy.Status,
    searched=("number", "product", "(holder ->> 'name')", "(holder ->> 'email')", OF_LEAD),
    query=PolicyQuery,
    filters={
        **FILTERS,
        "proposalId": Filter("proposal_id = {}", "uuid"),
        "number": Filter("number = {}"),
    },
)


class PolicyViewSet(PipelineViewSet):
    """Policies: issued under a number, activated, endorsed, cancelled."""

    queryset = Policy.objects.all()
    serializer_class = PolicyOut
    scopes = {
        "list": Scope.POLICIES_READ,
        "retrieve": Scope.POLICIES_READ,
        "create": Scope.POLICIES_WRITE,
        "update": Scope.POLICIES_WRITE,
        "partial_update": Scope.POLICIES_WRITE,
        "activate": Scope.POLICIES_WRITE,
        "cancel": Scope.POLICIES_WRITE,
    }
    opens_no_transaction = frozenset({"list"})
    made_in = ANY_ENVIRONMENT

    @extend_schema(parameters=[PolicyQuery], responses=list_envelope("PolicyList", PolicyOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.narrowed(POLICIES)

    @extend_schema(responses=PolicyDetail)
    def retrieve(self, request: PartnerRequest, policy_id: UUID) -> Response:
        return self.shown(self.found(policy_id))

    @extend_schema(request=PolicyIn, responses={HTTP_201_CREATED: PolicyOut})
    def create(self, request: PartnerRequest) -> Response:
        terms = self.validated(PolicyIn)
        policy = policy_create(
            proposal_id=terms.pop("proposal_id"),
            client_id=self.client_id,
            terms=terms,
            bound_company_id=self.bound,
            actor=self.actor,
        )
        return Response(PolicyOut(policy).data, status=HTTP_201_CREATED)

    @extend_schema(request=PolicyChanges, responses=PolicyOut)
    def update(self, request: PartnerRequest, policy_id: UUID) -> Response:
        changes = self.validated(PolicyChanges)
        return self._done(policy_update, policy_id, reason=changes.pop("reason"), changes=changes)

    @extend_schema(request=PolicyChanges, responses=PolicyOut)
    def partial_update(self, request: PartnerRequest, policy_id: UUID) -> Response:
        return self.update(request, policy_id)

    @extend_schema(request=ActivateIn, responses=PolicyOut)
    def activate(self, request: PartnerRequest, policy_id: UUID) -> Response:
        return self._done(policy_activate, policy_id, **self.validated(ActivateIn))

    @extend_schema(request=PolicyCancelIn, responses=PolicyOut)
    def cancel(self, request: PartnerRequest, policy_id: UUID) -> Response:
        return self._done(policy_cancel, policy_id, **self.validated(PolicyCancelIn))

    def _done(self, step: Any, policy_id: UUID, **given: Any) -> Response:
        policy = step(policy_id=self.found(policy_id).id, actor=self.actor, **given)
        return Response(PolicyOut(policy).data)
