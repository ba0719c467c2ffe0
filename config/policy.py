"""The deprecation policy that every partner answer points at (contract 0.7)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def deprecation_policy(request: HttpRequest) -> HttpResponse:
    """docs/api/partner-v1.md, as it stands in the tree."""
    text = (settings.BASE_DIR / "docs" / "api" / "partner-v1.md").read_text()
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")
