"""OpenAPI: each operation prints the scope it asks for and the error body it answers with."""

from decimal import Decimal
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import is_list_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

_ERROR = {
    "type": "object",
    "required": ["error", "message", "details", "requestId"],
    "properties": {
        "error": {"type": "string", "description": "A stable code.", "examples": ["VALIDATION_ERROR"]},
        "message": {"type": "string"},
        "details": {
            "type": "object",
            "additionalProperties": True,
            "properties": {"retryable": {"type": "boolean"}},
        },
        "requestId": {"type": "string"},
        "retryAfter": {"type": "integer", "description": "Seconds; with 429 only."},
    },
}
_ORGANIZATION = OpenApiParameter(
    "organizationId",
    OpenApiTypes.UUID,
    OpenApiParameter.QUERY,
    required=True,
    description="The credential's own organization.",
)
_TENANT = [
    OpenApiParameter(
        "organizationId",
        OpenApiTypes.UUID,
        OpenApiParameter.QUERY,
        description="For people's access tokens: the organization, their only one where they name none. "
        "A super-admin names it. A key has its own.",
    ),
    OpenApiParameter(
        "environment",
        {"type": "string", "enum": ["sandbox", "production"]},
        OpenApiParameter.QUERY,
        description="For people's access tokens: `production` where none is named; by id, that of the row. "
        "A key has its own.",
    ),
]


class ScopedAutoSchema(AutoSchema):
    """drf-spectacular's schema with the scope, the tenant and the Idempotency-Key that the view asks for."""

    def get_override_parameters(self) -> list[Any]:
        if self.method == "GET":
            if getattr(self.view, "names_tenant", False):
                return _TENANT
            named = getattr(self.view, "names_organization", False)
            return [_ORGANIZATION] if named else []
        required = getattr(self.view, "idempotency_required", False)
        return [
            OpenApiParameter(
                "Idempotency-Key",
                {"type": "string", "minLength": 1, "maxLength": 255},
                OpenApiParameter.HEADER,
                required=required,
                description="The same key within 24 hours replays the first answer.",
            )
        ]

    def _is_list_view(self, serializer: Any = None) -> bool:
        # our lists are envelopes, so an answer is an array only where its serializer says so
        return super()._is_list_view() if serializer is None else is_list_serializer(serializer)

    def get_extensions(self) -> dict[str, Any]:
        scope = getattr(self.view, "scopes", {}).get(getattr(self.view, "action", None))
        return {"x-required-scope": str(scope)} if scope else {}


def plain_numbers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Bounds and defaults of decimal fields as numbers, which a JSON document would write as text."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, Decimal):
            return int(value) if value == int(value) else float(value)
        return value

    plained: dict[str, Any] = plain(result)
    return plained


def describe_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation the contract's error body."""
    result["components"].setdefault("schemas", {})["Error"] = _ERROR
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {
                "description": "Refused or failed; the contract's error body.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            }
    return result
