"""Section A: issuing, listing, changing, rotating and switching credentials, and their use."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config import tenancy
from config.api.pagination import ListQuery, filter_dates, list_envelope, paginate
from credentials.models import ApiKey
from credentials.selectors.usage import usage_report
from credentials.selectors.usage_range import UsageRange
from credentials.serializers.governance import (
    ChangedCredentialOut,
    CredentialChanges,
    CredentialIn,
    CredentialOut,
    IssuedCredentialOut,
    RotatedCredentialOut,
    RotatedSigningSecretOut,
    RotateIn,
    StatusIn,
)
from credentials.serializers.usage import UsageOut, UsageQuery
from credentials.services.keys import IssuedKey, key_change_status, key_issue, key_rotate, key_update
from credentials.services.signing_secrets import signing_secret_rotate
from credentials.views.governance import GovernanceViewSet
from partners.models import GOVERNORS, READERS

SORTABLE = {"createdAt": "created_at", "updatedAt": "updated_at", "name": "name", "status": "status"}


class CredentialViewSet(GovernanceViewSet):
    """The credentials of an organization."""

    queryset = ApiKey.objects.none()
    serializer_class = CredentialOut
    lookup_value_converter = "uuid"
    roles = {
        "list": READERS,
        "retrieve": READERS,
        "create": GOVERNORS,
        "partial_update": GOVERNORS,
        "rotate": GOVERNORS,
        "rotate_signing_secret": GOVERNORS,
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
        organization = self.organization(str(data["organization_id"]))
        with tenancy.tenant(organization.id):
            issued = key_issue(**data, actor=self.actor())
            return Response(_issued(issued), status=HTTP_201_CREATED)

    @extend_schema(responses=CredentialOut)
    def retrieve(self, request: Request, credential_id: UUID) -> Response:
        with tenancy.tenant(self._organization_of(credential_id)):
            return Response(_shown(credential_id))

    @extend_schema(request=CredentialChanges, responses=ChangedCredentialOut)
    def partial_update(self, request: Request, credential_id: UUID) -> Response:
        with tenancy.tenant(self._organization_of(credential_id)):
            key = ApiKey.objects.get(id=credential_id)
            changes = self._validated(CredentialChanges, request.data, instance=key, partial=True)
            changed = key_update(key_id=credential_id, changes=changes, actor=self.actor())
            return Response({**_shown(credential_id), "signingSecret": changed.signing_secret})

    @extend_schema(request=RotateIn, responses=RotatedCredentialOut)
    def rotate(self, request: Request, credential_id: UUID) -> Response:
        data = self._validated(RotateIn, request.data)
        with tenancy.tenant(self._organization_of(credential_id)):
            issued = key_rotate(key_id=credential_id, actor=self.actor(), grace_s=data["graceSeconds"])
            return Response({**_issued(issued), "oldSecretEndsAt": issued.old_ends_at})

    @extend_schema(request=RotateIn, responses=RotatedSigningSecretOut)
    def rotate_signing_secret(self, request: Request, credential_id: UUID) -> Response:
        data = self._validated(RotateIn, request.data)
        with tenancy.tenant(self._organization_of(credential_id)):
            rotated = signing_secret_rotate(
                key_id=credential_id, actor=self.actor(), grace_s=data["graceSeconds"]
            )
            secrets = {"signingSecret": rotated.secret, "oldSigningSecretEndsAt": rotated.old_ends_at}
            return Response(_shown(credential_id) | secrets)

    @extend_schema(request=StatusIn, responses=CredentialOut)
    def change_status(self, request: Request, credential_id: UUID) -> Response:
        data = self._validated(StatusIn, request.data)
        with tenancy.tenant(self._organization_of(credential_id)):
            key_change_status(key_id=credential_id, status=data["status"], actor=self.actor())
            return Response(_shown(credential_id))

    @extend_schema(parameters=[UsageQuery], responses=UsageOut)
    def usage(self, request: Request) -> Response:
        query = self._validated(UsageQuery, request.query_params)
        organization = self.organization()
        extent = UsageRange.asked(query)
        with tenancy.tenant(organization.id):
            report = usage_report(extent, organization_id=organization.id)
        return Response(UsageOut({"extent": extent, **report}).data)

    def _organization_of(self, credential_id: UUID) -> UUID:
        """The credential's organization, if the person governs it; another's credential is 404."""
        with tenancy.operator():
            key = ApiKey.objects.get(id=credential_id)
        return self.organization(str(key.organization_id)).id

    def _validated(self, serializer_class: Any, data: Any, **given: Any) -> dict[str, Any]:
        serializer = serializer_class(data=data, **given)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


def _shown(credential_id: UUID) -> dict[str, Any]:
    return dict(CredentialOut(ApiKey.objects.with_last_four().get(id=credential_id)).data)


def _issued(issued: IssuedKey) -> dict[str, Any]:
    return {
        **_shown(issued.key.id),
        "rawApiKey": issued.raw,
        "webhookSecret": issued.webhook_secret,
        "signingSecret": issued.signing_secret,
    }
