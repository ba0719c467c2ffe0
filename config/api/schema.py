"""OpenAPI: each operation prints the scope it asks for and the error body it answers with."""

from typing import Any

from drf_spectacular.openapi import AutoSchema


class ScopedAutoSchema(AutoSchema):
    """drf-spectacular's schema with `x-required-scope`, from the view's one `scopes` line."""

    def get_extensions(self) -> dict[str, Any]:
        scope = getattr(self.view, "scopes", {}).get(getattr(self.view, "action", None))
        return {"x-required-scope": str(scope)} if scope else {}
