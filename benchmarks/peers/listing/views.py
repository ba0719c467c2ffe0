"""The list of leads as the DRF tutorial writes it."""

from rest_framework import generics, serializers
from rest_framework.response import Response

from listing.models import Lead


class LeadSerializer(serializers.ModelSerializer):
    organizationId = serializers.UUIDField(source="organization_id")
    externalId = serializers.CharField(source="external_id")
    phoneE164 = serializers.CharField(source="phone_normalized")
    valueMinor = serializers.IntegerField(source="value_minor")
    companyId = serializers.UUIDField(source="company_id")
    agentId = serializers.UUIDField(source="agent_id")
    customFields = serializers.JSONField(source="custom_fields")
    rejectionReason = serializers.CharField(source="rejection_reason")
    duplicateOf = serializers.UUIDField(source="duplicate_of_id")
    mergedInto = serializers.UUIDField(source="merged_into_id")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    class Meta:
        model = Lead
        fields = (
            "id", "organizationId", "externalId", "name", "email", "phone", "phoneE164", "source", "notes",
            "tags", "valueMinor", "currency", "companyId", "agentId", "customFields", "status",
            "rejectionReason", "duplicateOf", "mergedInto", "createdAt", "updatedAt",
        )  # fmt: skip


class LeadList(generics.ListAPIView):
    """The 20 newest leads of the organization named in the query."""

    serializer_class = LeadSerializer
    pagination_class = None

    def get_queryset(self):
        organization_id = self.request.query_params["organizationId"]
        rows = Lead.objects.filter(organization_id=organization_id, environment="sandbox")
        return rows.order_by("-created_at", "-id")[:20]

    def list(self, request, *args, **kwargs):
        serializer = self.get_serializer(self.get_queryset(), many=True)
        return Response({"data": serializer.data})
