from django.urls import path

from leads.views import LeadBulkViewSet, LeadViewSet

api_urlpatterns = [
    path("leads", LeadViewSet.as_view({"get": "list", "post": "create"})),
    path("leads/bulk", LeadBulkViewSet.as_view({"post": "create"})),
    path(
        "leads/<uuid:lead_id>",
        LeadViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
    ),
]
