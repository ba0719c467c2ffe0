"""What stands between a signed-in person and the pages."""

from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config import tenancy

Handler = Callable[[HttpRequest], HttpResponse]


class SecondFactorMiddleware:
    """Send super-admins without a second factor to set one up; nothing else opens before."""

    open_paths = ("/accounts/", "/static/", "/livez", "/readyz")

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            settings.SECOND_FACTOR_REQUIRED
            and not request.path.startswith(self.open_paths)
            and request.user.is_authenticated
            and request.user.is_superuser
            and not is_mfa_enabled(request.user)
        ):
            return redirect(reverse("mfa_activate_totp"))
        return self.get_response(request)


class OperatorContextMiddleware:
    """The Django admin works across tenants: its requests run in the operator context, for ops only."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not (
            request.path.startswith("/admin/") and request.user.is_authenticated and request.user.is_staff
        ):
            return self.get_response(request)
        with tenancy.operator():
            response = self.get_response(request)
            if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                response = response.render()
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response
