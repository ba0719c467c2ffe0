"""Sign-in policy on top of django-allauth."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import login
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_ratelimit.core import is_ratelimited  # type: ignore[import-untyped]

from config.api.client_address import client_address
from config.api.exceptions import DomainError, Unauthorized
from partners.models import User


class InvitedOnlyAdapter(DefaultAccountAdapter):
    """Accounts are made by super-admins and owners; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class TooManySignIns(DomainError):
    """429: too many tries from this address, or for this person."""

    status, code, retryable = 429, "RATE_LIMIT_EXCEEDED", True
    message = "Too many tries to sign in. Wait a minute."


def login_page(request: HttpRequest) -> HttpResponse:
    """allauth's sign-in page behind the same throttle as the token endpoint (429)."""
    try:
        if request.method == "POST":
            _throttle(request, request.POST.get("login", ""))
    except TooManySignIns as error:
        refused = render(request, "429.html", status=error.status)
        refused.headers["Retry-After"] = error.headers["Retry-After"]
        return refused
    return login(request)


def person_verify(*, request: HttpRequest, email: str, password: str, code: str = "") -> User:
    """The person these are the credentials of; throttled by address and by e-mail.

    Raises Unauthorized (401) without saying which part was wrong, and TooManySignIns (429).
    """
    _throttle(request, email)
    user = authenticate(request, email=email, password=password)
    if not isinstance(user, User) or not user.is_active or not _second_factor(user, code):
        raise Unauthorized("The e-mail, the password or the code is wrong.")
    return user


def _throttle(request: HttpRequest, email: str) -> None:
    """Count a try to sign in, by the page or by the API, against its address and its person."""
    tries = (("address", client_address(request.META), "20/m"), ("person", email.strip().lower(), "5/m"))
    for group, subject, rate in tries:
        if is_ratelimited(
            request, group=f"sign-in-{group}", key=lambda *_, of=subject: of, rate=rate, increment=True
        ):
            error = TooManySignIns(retryAfter=60)
            error.headers["Retry-After"] = "60"
            raise error


def _second_factor(user: User, code: str) -> bool:
    """Whether the code is one of the person's second factors, or none is set."""
    factors = [
        factor.wrap()
        for factor in Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    ]
    if not get_mfa_adapter().is_mfa_enabled(user):
        return True
    return bool(code) and any(factor.validate_code(code) for factor in factors)
