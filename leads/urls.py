from django.urls import path

from leads.pages import imports, leads
from leads.views import LeadBulkViewSet, LeadViewSet

api_urlpatterns = [
    path("leads", LeadViewSet.as_view({"get": "list", "post": "create"})),
    path("leads/bulk", LeadBulkViewSet.as_view({"post": "create"})),
    path(
        "leads/<uuid:lead_id>",
        LeadViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
    ),
]
urlpatterns = [
    path("dashboard/leads", leads.lead_list, name="dashboard-leads"),
    path("dashboard/leads/new", leads.lead_new, name="dashboard-lead-new"),
    path("dashboard/leads/imports", imports.import_list, name="dashboard-lead-imports"),
    path("dashboard/leads/imports/<uuid:pk>", imports.import_detail, name="dashboard-lead-import"),
    path(
        "dashboard/leads/imports/<uuid:pk>/discard",
        imports.import_discard_page,
        name="dashboard-lead-import-discard",
    ),
    path(
        "dashboard/leads/imports/<uuid:pk>/change",
        imports.import_change,
        name="dashboard-lead-import-change",
    ),
    path(
        "dashboard/leads/imports/<uuid:pk>/refused.csv",
        imports.import_refused,
        name="dashboard-lead-import-refused",
    ),
    path("dashboard/leads/<uuid:pk>", leads.lead_detail, name="dashboard-lead"),
    path("dashboard/leads/<uuid:pk>/edit", leads.lead_edit, name="dashboard-lead-edit"),
    path("dashboard/leads/<uuid:pk>/move", leads.lead_move, name="dashboard-lead-move"),
    path("dashboard/leads/<uuid:pk>/merge", leads.lead_merge_page, name="dashboard-lead-merge"),
]
