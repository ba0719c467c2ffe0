"""The wire form of a client's OAuth: its settings, secrets, and what people have consented to."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credentials.serializers.clients import AnyCaseField
from oauth.models import Application, Authorization


class OAuthIn(serializers.Serializer):
    """How a client uses OAuth; what is not named stays."""

    clientType = AnyCaseField(choices=Application.Type.choices, source="client_type", required=False)
    ipAllowlist = serializers.ListField(
        child=serializers.CharField(max_length=43),
        source="ip_allowlist",
        required=False,
        max_length=100,
        help_text="addresses and CIDR ranges that its tokens work from; empty: any",
    )


class ClientSecretOut(serializers.Serializer):
    """A secret of a client, without the secret."""

    id = serializers.UUIDField()
    lastFour = serializers.CharField(source="last_four")
    createdAt = serializers.DateTimeField(source="created_at")
    expiresAt = serializers.DateTimeField(
        source="expires_at", allow_null=True, help_text="null: until it is rotated or revoked"
    )


class OAuthOut(serializers.Serializer):
    """A client's OAuth settings. The context has `secrets`."""

    clientId = serializers.CharField(source="client_id", help_text="OAuth's client_id: the client's id")
    clientType = serializers.ChoiceField(choices=Application.Type.choices, source="client_type")
    grantTypes = serializers.SerializerMethodField()
    redirectUris = serializers.ListField(child=serializers.CharField(), source="api_client.redirect_uris")
    scopes = serializers.ListField(child=serializers.CharField(), source="api_client.scopes")
    ipAllowlist = serializers.ListField(child=serializers.CharField(), source="ip_allowlist")
    secrets = serializers.SerializerMethodField(help_text="the live ones: two during a rotation")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    def get_grantTypes(self, application: Application) -> list[str]:
        own = [] if application.is_public else ["client_credentials"]
        return ["authorization_code", *own, "refresh_token"]

    @extend_schema_field(ClientSecretOut(many=True))
    def get_secrets(self, application: Application) -> Any:
        return ClientSecretOut(application.live_secrets(), many=True).data


class IssuedClientSecretOut(ClientSecretOut):
    """What issuing a secret answers; `clientSecret` is shown this once."""

    clientId = serializers.CharField()
    clientSecret = serializers.CharField()
    oldSecretEndsAt = serializers.DateTimeField(allow_null=True, help_text="null: there was none")


class AuthorizationOut(serializers.Serializer):
    """What a person lets a client do; without a person, the client's own (client credentials)."""

    id = serializers.UUIDField()
    person = serializers.SerializerMethodField()
    scopes = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField(source="created_at")
    lastTokenAt = serializers.DateTimeField(source="last_token_at", allow_null=True)

    def get_person(self, authorization: Authorization) -> str | None:
        return authorization.user.email if authorization.user else None
