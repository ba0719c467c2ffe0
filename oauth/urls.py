from django.urls import path
from oauth2_provider.views import OAuthServerMetadataView

from oauth.pages import authorizations, clients
from oauth.pages.consent import ConsentView
from oauth.views.clients import ClientAuthorizationViewSet, ClientOAuthViewSet
from oauth.views.machines import IntrospectView, RevokeView, TokenView

# The toolkit's names, by which it writes the metadata document.
oauth_urlpatterns = [
    path("oauth/authorize", ConsentView.as_view(), name="authorize"),
    path("oauth/token", TokenView.as_view(), name="token"),
    path("oauth/revoke", RevokeView.as_view(), name="revoke-token"),
    path("oauth/introspect", IntrospectView.as_view(), name="introspect"),
    path(
        ".well-known/oauth-authorization-server",
        OAuthServerMetadataView.as_view(),
        name="oauth-server-metadata",
    ),
]

_CLIENT = "api/v1/api-clients/<uuid:client_id>/oauth"
api_urlpatterns = [
    path(
        _CLIENT,
        ClientOAuthViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
    ),
    path(f"{_CLIENT}/secrets", ClientOAuthViewSet.as_view({"post": "rotate_secret"})),
    path(f"{_CLIENT}/secrets/<uuid:secret_id>", ClientOAuthViewSet.as_view({"delete": "revoke_secret"})),
    path(f"{_CLIENT}/authorizations", ClientAuthorizationViewSet.as_view({"get": "list"})),
    path(
        f"{_CLIENT}/authorizations/<uuid:authorization_id>",
        ClientAuthorizationViewSet.as_view({"delete": "destroy"}),
    ),
]

_PAGES = "dashboard/clients"
urlpatterns = [
    path(_PAGES, clients.client_list, name="dashboard-clients"),
    path(f"{_PAGES}/new", clients.client_new, name="dashboard-client-new"),
    path(f"{_PAGES}/<uuid:pk>", clients.client_detail, name="dashboard-client"),
    path(f"{_PAGES}/<uuid:pk>/change", clients.client_change, name="dashboard-client-change"),
    path(f"{_PAGES}/<uuid:pk>/status", clients.client_status, name="dashboard-client-status"),
    path(f"{_PAGES}/<uuid:pk>/delete", clients.client_remove, name="dashboard-client-delete"),
    path(f"{_PAGES}/<uuid:pk>/oauth", clients.oauth_set, name="dashboard-client-oauth"),
    path(f"{_PAGES}/<uuid:pk>/oauth/off", clients.oauth_off, name="dashboard-client-oauth-off"),
    path(f"{_PAGES}/<uuid:pk>/secret", clients.secret_rotate, name="dashboard-client-secret"),
    path(
        f"{_PAGES}/<uuid:pk>/secrets/<uuid:secret_id>/revoke",
        clients.secret_revoke,
        name="dashboard-client-secret-revoke",
    ),
    path("dashboard/authorizations", authorizations.authorization_list, name="dashboard-authorizations"),
    path(
        "dashboard/authorizations/<uuid:pk>/revoke",
        authorizations.authorization_end,
        name="dashboard-authorization-revoke",
    ),
]
