from django.urls import path

from partners import pages

urlpatterns = [
    path("dashboard/audit", pages.audit_list, name="dashboard-audit"),
    path("dashboard/audit/download", pages.audit_download, name="dashboard-audit-download"),
]
