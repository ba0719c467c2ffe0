"""Section A: issuing, listing, rotating and switching credentials, and their use."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config import tenancy
from config.api.pagination import ListQuery, filter_dates, list_envelope, moment, paginate
from credentials.models import ApiKey
from credentials.selectors.usage import UsageRange, usage_report
from credentials.serializers import (
    CredentialIn,
    CredentialOut,
    IssuedCredentialOut,
    RotateIn,
    StatusIn,
    UsageOut,
    UsageQuery,
)
from credentials.services.keys import IssuedKey, key_change_status, key_issue, key_rotate
from credentials.views.governance import GOVERNORS, READERS, GovernanceViewSet

SORTABLE = {"createdAt": "created_at", "updatedAt": "updated_at", "name": "name", "status": "status"}


class CredentialViewSet(GovernanceViewSet):
    """The credentials of an organization."""

    queryset = ApiKey.objects.none()
    serializer_class = CredentialOut
    lookup_value_converter = "uuid"
    roles = {
        "list": READERS,
        "create": GOVERNORS,
        "rotate": GOVERNORS,
        "change_status": GOVERNORS,
        "usage": READERS,
    }

    @extend_schema(parameters=[ListQuery], responses=list_envelope("CredentialList", CredentialOut))
    def list(self, request: Request) -> Response:
        query = self._validated(ListQuery, request.query_params)
        organization = self.organization()
        with tenancy.tenant(organization.id):
            rows: Any = ApiKey.objects.for_organization(organization.id).with_last_four()
            rows = filter_dates(rows, query)
            if "status" in query:
                rows = rows.in_state(query["status"])
            if "search" in query:
                rows = rows.filter(name__icontains=query["search"])
            found, pagination = paginate(rows, query, sortable=SORTABLE)
            return Response({"data": CredentialOut(found, many=True).data, "pagination": pagination})

    @extend_schema(request=CredentialIn, responses={HTTP_201_CREATED: IssuedCredentialOut})
    def create(self, request: Request) -> Response:
        data = self._validated(CredentialIn, request.data)
        organization = self.organization(str(data["organizationId"]))
        with tenancy.tenant(organization.id):
            issued = key_issue(
                organization_id=organization.id,
                environment=data["environment"],
                name=data["name"],
                scopes=data["scopes"],
                actor=self.actor(),
                expires_at=data["expiresAt"],
                ip_allowlist=data["ipAllowlist"],
                requests_per_minute=data["requestsPerMinute"],
                daily_quota=data["dailyQuota"],
                signing_mode=data["signingMode"],
            )
            return Response(_issued(issued), status=HTTP_201_CREATED)

    @extend_schema(request=RotateIn, responses=IssuedCredentialOut)
    def rotate(self, request: Request, credential_id: UUID) -> Response:
        data = self._validated(RotateIn, request.data)
        with tenancy.tenant(self._organization_of(credential_id)):
            issued = key_rotate(key_id=credential_id, actor=self.actor(), grace_s=data["graceSeconds"])
            return Response(_issued(issued))

    @extend_schema(request=StatusIn, responses=CredentialOut)
    def change_status(self, request: Request, credential_id: UUID) -> Response:
        data = self._validated(StatusIn, request.data)
        with tenancy.tenant(self._organization_of(credential_id)):
            key_change_status(key_id=credential_id, status=data["status"], actor=self.actor())
            return Response(CredentialOut(ApiKey.objects.with_last_four().get(id=credential_id)).data)

    @extend_schema(parameters=[UsageQuery], responses=UsageOut)
    def usage(self, request: Request) -> Response:
        query = self._validated(UsageQuery, request.query_params)
        organization = self.organization()
        extent = UsageRange.of(
            date_from=moment(query["dateFrom"], field="dateFrom") if "dateFrom" in query else None,
            date_to=moment(query["dateTo"], field="dateTo", end_of_day=True) if "dateTo" in query else None,
            group_by=query.get("groupBy", ""),
        )
        with tenancy.tenant(organization.id):
            report = usage_report(extent, organization_id=organization.id)
        return Response(UsageOut({"extent": extent, **report}).data)

    def _organization_of(self, credential_id: UUID) -> UUID:
        """The credential's organization, if the person governs it; another's credential is 404."""
        with tenancy.operator():
            key = ApiKey.objects.get(id=credential_id)
        return self.organization(str(key.organization_id)).id

    def _validated(self, serializer_class: Any, data: Any) -> dict[str, Any]:
        serializer = serializer_class(data=data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


def _issued(issued: IssuedKey) -> dict[str, Any]:
    key = ApiKey.objects.with_last_four().get(id=issued.key.id)
    return {
        **CredentialOut(key).data,
        "rawApiKey": issued.raw,
        "webhookSecret": issued.webhook_secret,
        "signingSecret": issued.signing_secret,
    }
