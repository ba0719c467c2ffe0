"""Sign-in policy on top of django-allauth."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django_ratelimit.core import is_ratelimited  # type: ignore[import-untyped]

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


def person_verify(*, request: HttpRequest, email: str, password: str, code: str = "") -> User:
    """The person these are the credentials of; throttled by address and by e-mail.

    Raises Unauthorized (401) without saying which part was wrong, and TooManySignIns (429).
    """
    tries = (
        ("address", lambda group, request: request.client_address, "20/m"),
        ("person", lambda group, request: email.lower(), "5/m"),
    )
    for group, key, rate in tries:
        if is_ratelimited(request, group=f"token-{group}", key=key, rate=rate, increment=True):
            error = TooManySignIns(retryAfter=60)
            error.headers["Retry-After"] = "60"
            raise error
    user = authenticate(request, email=email, password=password)
    if not isinstance(user, User) or not user.is_active or not _second_factor(user, code):
        raise Unauthorized("The e-mail, the password or the code is wrong.")
    return user


def _second_factor(user: User, code: str) -> bool:
    """Whether the code is one of the person's second factors, or none is set."""
    factors = [
        factor.wrap()
        for factor in Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    ]
    if not get_mfa_adapter().is_mfa_enabled(user):
        return True
    return bool(code) and any(factor.validate_code(code) for factor in factors)
