"""Contract E: super-admins make partners."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED

from config import tenancy
from config.api.exceptions import Forbidden
from credentials.views.governance import GovernanceViewSet
from partner_requests.serializers import PartnerIn, PartnerOut
from partner_requests.services.partners import partner_create
from partners.models import GOVERNORS, ApiClient


class PartnerViewSet(GovernanceViewSet):
    """Partners, as super-admins make them."""

    queryset = ApiClient.objects.none()
    serializer_class = PartnerOut
    roles = {"create": GOVERNORS}

    @extend_schema(request=PartnerIn, responses={HTTP_201_CREATED: PartnerOut})
    def create(self, request: Request) -> Response:
        if not self.user.is_superuser:
            raise Forbidden("Only super-admins make partners here.", reason="missing_scope")
        serializer = PartnerIn(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        organization = self.organization(str(data.pop("organization_id", "")))
        with tenancy.tenant(organization.id):
            issued = partner_create(organization_id=organization.id, actor=self.actor(), **data)
        client = issued.key.client
        return Response({"id": client.id, "name": client.name, "apiKey": issued.raw}, status=HTTP_201_CREATED)
