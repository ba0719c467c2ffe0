"""The dashboard's session as a credential of the governance endpoints."""

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from config.api.exceptions import Forbidden
from partners.models import User


def session_user(request: HttpRequest) -> User | None:
    """The person of a dashboard session, its CSRF token checked on writes; None without a session.

    Raises Forbidden (403) when the CSRF token is missing or wrong.
    """
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request.session = SessionStore(key)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    check = CsrfViewMiddleware(lambda request: HttpResponse())
    check.process_request(request)
    if check.process_view(request, _no_view, (), {}) is not None:
        raise Forbidden("The CSRF token is missing or wrong.")
    return user


def _no_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()
