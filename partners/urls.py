from django.urls import path

from partners import pages

urlpatterns = [path("dashboard/audit", pages.audit_list, name="dashboard-audit")]
