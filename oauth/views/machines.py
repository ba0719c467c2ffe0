"""`/oauth/token`, `/oauth/revoke`, `/oauth/introspect`: what they share, and each of them."""

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote_plus

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views.mixins import OAuthLibMixin

from config import tenancy
from config.api.client_address import client_address
from config.api.exceptions import DomainError, ServiceUnavailable
from config.api.request_id import request_id_of
from credentials.snapshots import token_digest, token_snapshot
from oauth.exceptions import CameTwice
from oauth.models import AccessToken, RefreshToken
from oauth.selectors import application_tenant, person_scopes
from oauth.services.tokens import family_end
from oauth.throttle import failure_count, request_count
from partners.services.audit import Actor

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 16_384
_FORM = "application/x-www-form-urlencoded"


@method_decorator(csrf_exempt, name="dispatch")
class MachineView(ABC, OAuthLibMixin, View):
    """A POST of a form by a client: throttled, and in one transaction of the client's tenant.

    An answer of 400 or more rolls everything back. A code or a refresh token that came twice ends its family.
    """

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        try:
            response = self._answered(request)
        except (RequestDataTooBig, BadRequest, SuspiciousOperation):
            response = oauth_error("invalid_request", "The request cannot be read.")
        except DomainError as error:
            response = _refused(error)
        except (OperationalError, InterfaceError) as error:
            log.warning("store_unavailable", error=str(error))
            response = _refused(ServiceUnavailable(retryAfter=1))
        if response.status_code == 401:
            failure_count(request)
            if "HTTP_AUTHORIZATION" in request.META:
                response["WWW-Authenticate"] = 'Basic realm="Partner Hub", charset="UTF-8"'
        response["Cache-Control"], response["Pragma"] = "no-store", "no-cache"
        return response

    def _answered(self, request: HttpRequest) -> HttpResponse:
        if not settings.PARTNER_API_ENABLED:
            raise ServiceUnavailable("The partner API is switched off.")
        if request.content_type != _FORM or len(request.body) > MAX_BODY_BYTES:
            return oauth_error("invalid_request", f"Send a form ({_FORM}) of up to {MAX_BODY_BYTES} bytes.")
        if any(len(values) > 1 for _name, values in request.POST.lists()):
            return oauth_error("invalid_request", "A parameter is repeated.")
        named = client_named(request)
        if "HTTP_AUTHORIZATION" in request.META and (
            "client_secret" in request.POST or request.POST.get("client_id", named) != named
        ):
            return oauth_error("invalid_request", "The client names itself in two ways (RFC 6749, 2.3).")
        request_count(request, named)
        with tenancy.operator():
            tenant = application_tenant(named)
        try:
            with _context(tenant):
                response = self.answer(request)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
            return response
        except CameTwice as twice:
            with _context(tenant):
                family_end(family=twice.family, actor=_hub(request))
            return oauth_error("invalid_grant", "This was used before; the tokens it led to are revoked.")

    @abstractmethod
    def answer(self, request: HttpRequest) -> HttpResponse:
        """The endpoint's own answer."""


class TokenView(MachineView):
    """RFC 6749, 3.2: tokens for a code, a refresh token, or a client's own credentials."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        return _given(*self.create_token_response(request)[1:])


class RevokeView(MachineView):
    """RFC 7009: end a token of the client with all that came of the same code."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        return _given(*self.create_revocation_response(request)[1:])


class IntrospectView(MachineView):
    """RFC 7662: whether a token of the client is live, and what it may do."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        if not self.authenticate_client(request):
            return oauth_error("invalid_client", "The client's credentials are wrong.", status=401)
        token = request.POST.get("token", "")
        if not token:
            return oauth_error("invalid_request", "The token parameter is missing.")
        return JsonResponse(_introspected(token, client_named(request)))


def client_named(request: HttpRequest) -> str:
    """The client id that a request names, by HTTP Basic or in the form; "" for none. It proves nothing."""
    scheme, _space, encoded = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _colon, _secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return unquote_plus(name)[:40]
    return request.POST.get("client_id", "")[:40]


def oauth_error(code: str, description: str, *, status: int = 400) -> HttpResponse:
    """An error in the form of RFC 6749, 5.2."""
    return JsonResponse({"error": code, "error_description": description}, status=status)


def _context(tenant: Any) -> AbstractContextManager[Any]:
    return tenancy.tenant(*tenant) if tenant else transaction.atomic()


def _given(headers: dict[str, str], body: str | None, status: int) -> HttpResponse:
    headers = {name: value for name, value in headers.items() if name.lower() != "www-authenticate"}
    response = HttpResponse(body or "", status=status, content_type="application/json")
    for name, value in headers.items():
        response[name] = value
    return response


def _refused(error: DomainError) -> HttpResponse:
    """A refusal of the hub's as OAuth says it; 429 and 503 may be tried again."""
    code = "temporarily_unavailable" if error.retryable else "invalid_request"
    response = oauth_error(code, error.message, status=error.status)
    for name, value in error.headers.items():
        response[name] = value
    return response


def _introspected(token: str, client_id: str) -> dict[str, Any]:
    mine = {"token_checksum": token_digest(token), "application__client_id": client_id}
    access = AccessToken.objects.filter(**mine).first()
    found: Any = access or RefreshToken.objects.select_related("user").filter(**mine).first()
    scopes: Collection[str] = ()
    if access:
        # as the next request with it would be judged
        snapshot = token_snapshot(token, anew=True)
        scopes = snapshot.scopes if snapshot and snapshot.is_live() else ()
    elif found and found.is_live():
        scopes = set(found.scope.split()) & person_scopes(found.user, found.organization_id)
    if not scopes:
        return {"active": False}
    return {
        "active": True,
        "client_id": client_id,
        "scope": " ".join(sorted(scopes)),
        "token_type": "Bearer" if access else "refresh_token",
        "sub": str(found.user_id or client_id),
        "iat": int(found.created_at.timestamp()),
        "exp": int(found.expires.timestamp()),
        "iss": settings.OAUTH2_PROVIDER["OIDC_ISS_ENDPOINT"],
    }


def _hub(request: HttpRequest) -> Actor:
    return Actor("hub", client_address(request.META), request_id_of(request.META))
