"""OpenAPI: each operation prints the scope it asks for and the error body it answers with."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

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


class ScopedAutoSchema(AutoSchema):
    """drf-spectacular's schema with `x-required-scope`, from the view's one `scopes` line."""

    def get_extensions(self) -> dict[str, Any]:
        scope = getattr(self.view, "scopes", {}).get(getattr(self.view, "action", None))
        return {"x-required-scope": str(scope)} if scope else {}


def describe_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation the contract's error body, and writes their Idempotency-Key."""
    result["components"].setdefault("schemas", {})["Error"] = _ERROR
    for operations in result["paths"].values():
        for method, operation in operations.items():
            operation["responses"]["default"] = {
                "description": "Refused or failed; the contract's error body.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            }
            if method != "get":
                operation.setdefault("parameters", []).append(
                    {
                        "in": "header",
                        "name": "Idempotency-Key",
                        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                        "description": "The same key within 24 hours replays the first answer.",
                    }
                )
    return result
