"""The list of leads as the DRF tutorial writes it."""

from rest_framework import generics, serializers
from rest_framework.response import Response

from listing.models import Lead


class LeadSerializer(serializers.ModelSerializer):
    organizationId = serializers.UUIDField(source="organization_id")
    duplicateOf = serializers.UUIDField(source="duplicate_of_id")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    class Meta:
        model = Lead
        fields = (
            "id", "organizationId", "name", "email", "phone", "source", "notes", "status", "duplicateOf",
            "createdAt", "updatedAt",
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
