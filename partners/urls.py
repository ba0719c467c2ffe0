from django.urls import path

from partners import pages, sign_in

urlpatterns = [
    # before allauth's own
    path("accounts/login/", sign_in.login_page, name="account_login"),
    path("dashboard/organization", pages.organization_choose, name="dashboard-organization-choose"),
    path("dashboard/audit", pages.audit_list, name="dashboard-audit"),
    path("dashboard/audit/download", pages.audit_download, name="dashboard-audit-download"),
]
