from django.urls import path

from credentials.pages import keys, requests, usage
from credentials.views.credentials import CredentialViewSet
from credentials.views.tokens import TokenViewSet

_CREDENTIALS = "partner/credentials"
api_urlpatterns = [
    path("partner/auth/token", TokenViewSet.as_view({"post": "create"})),
    path(_CREDENTIALS, CredentialViewSet.as_view({"get": "list", "post": "create"})),
    path(f"{_CREDENTIALS}/usage/dashboard", CredentialViewSet.as_view({"get": "usage"})),
    path(
        f"{_CREDENTIALS}/<uuid:credential_id>/rotate",
        CredentialViewSet.as_view({"post": "rotate"}),
    ),
    path(
        f"{_CREDENTIALS}/<uuid:credential_id>/status",
        CredentialViewSet.as_view({"patch": "change_status"}),
    ),
]
_KEYS = "dashboard/admin/partner-api"
urlpatterns = [
    path("dashboard/", requests.home, name="dashboard-home"),
    path("dashboard/usage", usage.usage_overview, name="dashboard-usage"),
    path("dashboard/requests", requests.request_log, name="dashboard-requests"),
    path("dashboard/requests/<uuid:pk>", requests.request_detail, name="dashboard-request"),
    path(_KEYS, keys.key_list, name="partner-api-list"),
    path(f"{_KEYS}/new", keys.key_create, name="partner-api-create"),
    path(f"{_KEYS}/<uuid:pk>", keys.key_detail, name="partner-api-detail"),
    path(f"{_KEYS}/<uuid:pk>/rotate", keys.key_rotate_page, name="partner-api-rotate"),
    path(f"{_KEYS}/<uuid:pk>/suspend", keys.key_suspend, name="partner-api-suspend"),
    path(f"{_KEYS}/<uuid:pk>/resume", keys.key_resume, name="partner-api-resume"),
    path(f"{_KEYS}/<uuid:pk>/revoke", keys.key_revoke, name="partner-api-revoke"),
]
