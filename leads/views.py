"""Section A: leads."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK, HTTP_201_CREATED

from config.api.errors import as_domain_error, error_body
from config.api.exceptions import DomainError, NotFound
from config.api.listing import Filter, Listing
from config.api.pagination import list_envelope
from credentials.access import key_caller
from credentials.scopes import Scope
from credentials.viewsets import OrganizationNamed, PartnerRequest, PartnerViewSet
from leads.models import Lead
from leads.serializers import (
    LeadChangeOut,
    LeadChanges,
    LeadDetail,
    LeadIn,
    LeadOut,
    LeadQuery,
    LeadResults,
    LeadsIn,
    LeadsInSchema,
    LeadTerms,
)
from leads.services.leads import lead_create, lead_update, leads_create

LEADS = Listing(
    Lead,
    LeadOut,
    sortable={"createdAt": "created_at", "updatedAt": "updated_at", "name": "name", "status": "status"},
    states=Lead.Status,
    searched=("search_text",),
    query=LeadQuery,
    filters={
        "source": Filter("source = {}"),
        "tag": Filter("{} = ANY (tags)"),
        "companyId": Filter("company_id = {}", "uuid"),
        "agentId": Filter("agent_id = {}", "uuid"),
        "externalId": Filter("external_id = {}"),
        "createdFrom": Filter("created_at >= {}", "timestamptz"),
        "createdTo": Filter("created_at <= {}", "timestamptz", ends=True),
    },
)


class LeadViewSet(OrganizationNamed, PartnerViewSet):
    """The organization's leads. A key bound to one company has that company's only."""

    queryset = Lead.objects.all()
    serializer_class = LeadOut
    scopes = {
        "list": Scope.LEADS_READ,
        "retrieve": Scope.LEADS_READ,
        "create": Scope.LEADS_WRITE,
        "update": Scope.LEADS_WRITE,
        "partial_update": Scope.LEADS_WRITE,
    }
    opens_no_transaction = frozenset({"list"})
    idempotency_required = True

    @extend_schema(parameters=[LeadQuery], responses=list_envelope("LeadList", LeadOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        bound = self.credential.company_id
        return self.listed(LEADS, **({"companyId": bound} if bound else {}))

    @extend_schema(responses=LeadDetail)
    def retrieve(self, request: PartnerRequest, lead_id: UUID) -> Response:
        lead = self._lead(lead_id)
        history = LeadChangeOut(lead.changes.order_by("at", "id"), many=True).data
        return Response(LeadOut(lead).data | {"history": history})

    @extend_schema(request=LeadIn, responses={HTTP_201_CREATED: LeadOut})
    def create(self, request: PartnerRequest) -> Response:
        data = self.validated(LeadIn)
        data.pop("organizationId")
        lead = lead_create(
            organization_id=self.organization_id,
            environment=self.environment,
            client_id=request.auth.client_id,
            bound_company_id=request.auth.company_id,
            actor=request.auth.key_id,
            **data,
        )
        return Response(LeadOut(lead).data, status=HTTP_201_CREATED)

    @extend_schema(request=LeadChanges, responses=LeadOut)
    def update(self, request: PartnerRequest, lead_id: UUID) -> Response:
        lead = self._lead(lead_id)
        changes = self.validated(LeadChanges, partial=True)
        changes.pop("organizationId")
        changed = lead_update(
            lead_id=lead.id,
            status=changes.pop("status", None),
            changes=changes,
            bound_company_id=request.auth.company_id,
            actor=key_caller(request, request.auth).actor,
        )
        return Response(LeadOut(changed).data)

    @extend_schema(request=LeadChanges, responses=LeadOut)
    def partial_update(self, request: PartnerRequest, lead_id: UUID) -> Response:
        return self.update(request, lead_id)

    def _lead(self, lead_id: UUID) -> Lead:
        lead = self.get_queryset().of_company(self.credential.company_id).filter(id=lead_id).first()
        if lead is None:
            raise NotFound
        return lead


class BulkLeadViewSet(PartnerViewSet):
    """What the doors for many leads at once share."""

    queryset = Lead.objects.none()
    serializer_class = LeadOut
    scopes = {"create": Scope.LEADS_WRITE}
    # 500 leads with the longest notes
    max_body_bytes = 8_000_000

    def taken_in(
        self, given: list[Any], *, client_id: UUID | None, bound_company_id: UUID | None, actor: str
    ) -> Response:
        """What came of each lead, in order: one that is not valid loses no other."""
        terms = [self._judged(item) for item in given]
        made = iter(
            leads_create(
                organization_id=self.organization_id,
                environment=self.environment,
                client_id=client_id,
                bound_company_id=bound_company_id,
                actor=actor,
                items=[one for one in terms if not isinstance(one, DomainError)],
            )
        )
        data = [
            self._result(index, one if isinstance(one, DomainError) else next(made))
            for index, one in enumerate(terms)
        ]
        created = sum(result["status"] == HTTP_201_CREATED for result in data)
        return Response({"created": created, "failed": len(data) - created, "data": data})

    def _judged(self, item: Any) -> dict[str, Any] | DomainError:
        try:
            return self.validated(LeadTerms, data=item)
        except serializers.ValidationError as error:
            refusal = as_domain_error(error)
            assert refusal is not None
            return refusal

    def _result(self, index: int, made: Lead | DomainError) -> dict[str, Any]:
        if isinstance(made, Lead):
            return {"index": index, "status": HTTP_201_CREATED, "lead": LeadOut(made).data}
        body = error_body(made, request_id=getattr(self.request, "request_id", ""))
        return {"index": index, "status": made.status, "error": body}


class LeadBulkViewSet(OrganizationNamed, BulkLeadViewSet):
    """Many leads in one call."""

    idempotency_required = True

    @extend_schema(request=LeadsInSchema, responses={HTTP_200_OK: LeadResults})
    def create(self, request: PartnerRequest) -> Response:
        key = request.auth
        return self.taken_in(
            self.validated(LeadsIn)["leads"],
            client_id=key.client_id,
            bound_company_id=key.company_id,
            actor=key.key_id,
        )
