"""How the OpenAPI document describes credentials (contract 0.1)."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class CredentialScheme(OpenApiAuthenticationExtension):
    """One key, four ways to present it."""

    target_class = "credentials.authentication.CredentialAuthentication"
    name = ["partnerApiKey", "bearer", "keyIdAndSecret", "apiKey"]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> Any:
        whole = "`<keyId>.<secret>`"
        return [
            {"type": "apiKey", "in": "header", "name": "x-partner-api-key", "description": whole},
            {"type": "http", "scheme": "bearer", "description": whole},
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-API-Secret",
                "description": "The secret, beside `Authorization: Bearer <keyId>`.",
            },
            {"type": "apiKey", "in": "header", "name": "x-api-key", "description": whole},
        ]
