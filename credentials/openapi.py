"""How the OpenAPI document describes credentials (contract 0.1)."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from credentials.scopes import Scope

_SCOPES = {scope.value: scope.label for scope in Scope}


class CredentialScheme(OpenApiAuthenticationExtension):
    """One key, four ways to present it; or an OAuth access token (docs/oauth.md)."""

    target_class = "credentials.authentication.CredentialAuthentication"
    name = ["partnerApiKey", "bearer", "keyIdAndSecret", "apiKey", "oauth2"]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        view = auto_schema.view
        scope = getattr(view, "scopes", {}).get(getattr(view, "action", None))
        asked = {"oauth2": [str(scope)] if scope in Scope else []}
        return [asked if name == "oauth2" else {name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> Any:
        whole = "`<keyId>.<secret>`"
        return [
            {"type": "apiKey", "in": "header", "name": "x-partner-api-key", "description": whole},
            {
                "type": "http",
                "scheme": "bearer",
                "description": f"{whole}; under `/api/v1`, `/partner` and `/admin` a person's access token "
                "(`POST /partner/auth/token`), too: owners and managers write, members read.",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-API-Secret",
                "description": "The secret, beside `Authorization: Bearer <keyId>`.",
            },
            {"type": "apiKey", "in": "header", "name": "x-api-key", "description": whole},
            {
                "type": "oauth2",
                "description": "`Authorization: Bearer oat_…`, an access token of OAuth 2.1.",
                "flows": {
                    "authorizationCode": {
                        "authorizationUrl": "/oauth/authorize",
                        "tokenUrl": "/oauth/token",
                        "refreshUrl": "/oauth/token",
                        "scopes": _SCOPES,
                    },
                    "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": _SCOPES},
                },
            },
        ]
