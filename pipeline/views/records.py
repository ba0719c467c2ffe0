"""What the endpoints of the pipeline share: what a caller reaches, and how lists are narrowed."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.response import Response

from config.api.exceptions import NotFound
from config.api.listing import Filter, Listing
from credentials.tenant_access import TenantApiViewSet
from pipeline.selectors import history_of
from pipeline.serializers.lists import ChangeOut

# Beside its own columns, a list is searched by the lead's name and contact.
OF_LEAD = "(SELECT search_text FROM leads_lead WHERE leads_lead.id = lead_id)"
FILTERS = {
    "leadId": Filter("lead_id = {}", "uuid"),
    "agentId": Filter("agent_id = {}", "uuid"),
    "companyId": Filter("lead_id IN (SELECT id FROM leads_lead WHERE company_id = {})", "uuid"),
}
SORTABLE = {"createdAt": "created_at", "updatedAt": "updated_at", "status": "status"}


class PipelineViewSet(TenantApiViewSet):
    """An endpoint of the pipeline. A key bound to one company has what belongs to that company's leads."""

    def narrowed(self, listing: Listing) -> HttpResponse:
        """A page of `listing`, of what the caller reaches."""
        return self.listed(listing, **({"companyId": self.bound} if self.bound else {}))

    def found(self, row_id: UUID) -> Any:
        """The row that the call names. Raises NotFound (404) for what the caller does not reach."""
        row = self.get_queryset().of_company(self.bound).filter(id=row_id).first()
        if row is None:
            raise NotFound
        return row

    def shown(self, row: Any, **more: Any) -> Response:
        """A row with its history."""
        history = ChangeOut(history_of(row.id), many=True).data
        return Response(self.get_serializer_class()(row).data | more | {"history": history})
