"""Section B: health, companies and their agents."""

from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config.api.exceptions import Forbidden
from credentials.permissions import ANY_KEY
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest, PartnerViewSet
from jobs.serializers import (
    AgentIn,
    AgentOut,
    CompanyIn,
    CompanyList,
    CompanyOut,
    CompanyQuery,
    CompanyRow,
    HealthOut,
)
from partners.models import Agent, Company
from partners.services.companies import agent_create, company_create

_ALL = "This API key has access to all companies"
_ONE = "This API key has access to a single company"


class HealthViewSet(PartnerViewSet):
    """Whether the API answers this key."""

    queryset = Company.objects.none()
    serializer_class = HealthOut
    scopes = {"list": ANY_KEY}
    opens_no_transaction = frozenset({"list"})

    @extend_schema(responses=HealthOut, operation_id="health")
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.json(
            {
                "status": "ok",
                "version": settings.VERSION,
                "environment": self.environment,
                "timestamp": timezone.now(),
            }
        )


class CompanyViewSet(PartnerViewSet):
    """Companies whose calls are analysed. A key bound to one company sees and names that one only."""

    queryset = Company.objects.all()
    serializer_class = CompanyOut
    scopes = {"list": Scope.COMPANIES_READ, "create": Scope.COMPANIES_WRITE}

    @extend_schema(parameters=[CompanyQuery], responses=CompanyList)
    def list(self, request: PartnerRequest) -> Response:
        query = self.validated(CompanyQuery, data=request.query_params)
        bound, rows = request.auth.company_id, self.get_queryset()
        if bound:
            rows = rows.filter(id=bound)
        if query["search"]:
            rows = rows.matching(query["search"])
        start, limit = query["offset"], query["limit"]
        found = rows.order_by("-created_at", "-id")[start : start + limit]
        return Response(
            {
                "companies": CompanyRow(found, many=True).data,
                "total": rows.count(),
                "limit": limit,
                "offset": start,
                "partner_access": "single_company" if bound else "all_companies",
                "message": _ONE if bound else _ALL,
            }
        )

    @extend_schema(request=CompanyIn, responses={HTTP_201_CREATED: CompanyOut})
    def create(self, request: PartnerRequest) -> Response:
        if request.auth.company_id:
            raise Forbidden("The key is bound to another company.", reason="company_not_allowed")
        company = company_create(
            organization_id=self.organization_id,
            environment=self.environment,
            **self.validated(CompanyIn),
        )
        return Response(CompanyOut(company).data, status=HTTP_201_CREATED)


class AgentViewSet(PartnerViewSet):
    """The agents of a company."""

    queryset = Agent.objects.all()
    serializer_class = AgentOut
    scopes = {"create": Scope.AGENTS_WRITE}

    @extend_schema(request=AgentIn, responses={HTTP_201_CREATED: AgentOut})
    def create(self, request: PartnerRequest, company_id: UUID) -> Response:
        if request.auth.company_id not in (None, company_id):
            raise Forbidden("The key is bound to another company.", reason="company_not_allowed")
        agent = agent_create(
            organization_id=self.organization_id,
            environment=self.environment,
            company_id=company_id,
            **self.validated(AgentIn),
        )
        return Response(AgentOut(agent).data, status=HTTP_201_CREATED)
