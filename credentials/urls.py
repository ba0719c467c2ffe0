from typing import Any

from django.urls import URLPattern, path

from credentials.pages import keys, members, organizations, requests, usage
from credentials.views.client_keys import ClientKeyViewSet
from credentials.views.clients import ApiClientViewSet, RateLimitViewSet
from credentials.views.credentials import CredentialViewSet
from credentials.views.tokens import TokenViewSet

_CREDENTIALS, _CLIENTS = "partner/credentials", "api/v1/api-clients"
api_urlpatterns = [
    path("partner/auth/token", TokenViewSet.as_view({"post": "create"})),
    path(_CREDENTIALS, CredentialViewSet.as_view({"get": "list", "post": "create"})),
    path(f"{_CREDENTIALS}/usage/dashboard", CredentialViewSet.as_view({"get": "usage"})),
    path(
        f"{_CREDENTIALS}/<uuid:credential_id>",
        CredentialViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path(
        f"{_CREDENTIALS}/<uuid:credential_id>/signing-secret/rotate",
        CredentialViewSet.as_view({"post": "rotate_signing_secret"}),
    ),
    path(
        f"{_CREDENTIALS}/<uuid:credential_id>/rotate",
        CredentialViewSet.as_view({"post": "rotate"}),
    ),
    path(
        f"{_CREDENTIALS}/<uuid:credential_id>/status",
        CredentialViewSet.as_view({"patch": "change_status"}),
    ),
    path(_CLIENTS, ApiClientViewSet.as_view({"get": "list", "post": "create"})),
    path(
        f"{_CLIENTS}/<uuid:client_id>",
        ApiClientViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    path(
        f"{_CLIENTS}/<uuid:client_id>/rotate-webhook-secret",
        ApiClientViewSet.as_view({"post": "rotate_webhook_secret"}),
    ),
    path(f"{_CLIENTS}/<uuid:client_id>/dashboard", ApiClientViewSet.as_view({"get": "dashboard"})),
    path(f"{_CLIENTS}/<uuid:client_id>/usage", ApiClientViewSet.as_view({"get": "usage"})),
    path(f"{_CLIENTS}/<uuid:client_id>/api-keys", ClientKeyViewSet.as_view({"get": "list"})),
    path(
        f"{_CLIENTS}/<uuid:client_id>/api-keys/<uuid:api_key_id>",
        ClientKeyViewSet.as_view({"delete": "destroy"}),
    ),
    path("api/v1/api-keys", ClientKeyViewSet.as_view({"post": "create"})),
    path("api/v1/rate-limits", RateLimitViewSet.as_view({"get": "list"})),
]


def _key_pages(base: str, name: str, **given: Any) -> list[URLPattern]:
    """The pages of keys under a path; `everywhere=True` for the super-admins' own."""
    pages = (
        ("", keys.key_list, "list"),
        ("/new", keys.key_create, "create"),
        ("/<uuid:pk>", keys.key_detail, "detail"),
        ("/<uuid:pk>/change", keys.key_change, "change"),
        ("/<uuid:pk>/rotate", keys.key_rotate_page, "rotate"),
        ("/<uuid:pk>/signing-secret/rotate", keys.signing_secret_rotate_page, "rotate-signing"),
        ("/<uuid:pk>/suspend", keys.key_suspend, "suspend"),
        ("/<uuid:pk>/resume", keys.key_resume, "resume"),
        ("/<uuid:pk>/revoke", keys.key_revoke, "revoke"),
    )
    return [path(base + tail, page, given, name=f"{name}-{short}") for tail, page, short in pages]


_ORGANIZATIONS = "dashboard/organizations"
urlpatterns = [
    path("dashboard/", organizations.home, name="dashboard-home"),
    path("dashboard/usage", usage.usage_overview, name="dashboard-usage"),
    path("dashboard/requests", requests.request_log, name="dashboard-requests"),
    path("dashboard/requests/<uuid:pk>", requests.request_detail, name="dashboard-request"),
    *_key_pages("dashboard/admin/partner-api", "partner-api", everywhere=True),
    *_key_pages("dashboard/keys", "keys"),
    path(_ORGANIZATIONS, organizations.organization_list, name="organization-list"),
    path(f"{_ORGANIZATIONS}/new", organizations.organization_new, name="organization-create"),
    path(f"{_ORGANIZATIONS}/<uuid:pk>", organizations.organization_detail, name="organization-detail"),
    path(
        f"{_ORGANIZATIONS}/<uuid:pk>/status",
        organizations.organization_status,
        name="organization-status",
    ),
    path(
        f"{_ORGANIZATIONS}/<uuid:pk>/time-zone",
        organizations.organization_time_zone,
        name="organization-time-zone",
    ),
    path(
        f"{_ORGANIZATIONS}/<uuid:pk>/recordings",
        organizations.organization_recordings,
        name="organization-recordings",
    ),
    path(
        f"{_ORGANIZATIONS}/<uuid:pk>/clients/<uuid:client_id>/status",
        organizations.client_status,
        name="organization-client-status",
    ),
    path(f"{_ORGANIZATIONS}/<uuid:pk>/members", members.member_new, name="organization-member-create"),
    path(
        f"{_ORGANIZATIONS}/<uuid:pk>/members/<uuid:membership_id>/role",
        members.member_role,
        name="organization-member-role",
    ),
    path(
        f"{_ORGANIZATIONS}/<uuid:pk>/members/<uuid:membership_id>/remove",
        members.member_gone,
        name="organization-member-remove",
    ),
]
