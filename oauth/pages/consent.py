"""`/oauth/authorize`: a signed-in person is asked whether an app may act for their organization.

The request stands in the address, and the form posts to the same address: what is shown is what is read
again when it is answered.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views.mixins import OAuthLibMixin

from config import tenancy
from config.api.client_address import client_address
from config.api.exceptions import Forbidden
from config.api.request_id import request_id_of
from credentials.scopes import Scope
from oauth.models import Application
from oauth.selectors import application_tenant, person_role, person_scopes
from oauth.services.authorizations import authorization_give, authorization_refuse
from partners.models import User
from partners.pages import signed_in
from partners.services.audit import Actor

_SCHEMES = ["https", "http"]


@method_decorator([never_cache, login_required], name="dispatch")
class ConsentView(OAuthLibMixin, View):
    """The authorization endpoint (RFC 6749, 3.1): asks, and sends the person back with a code or an error.

    An app that is not of one of the person's organizations is answered as one that does not exist. Consent
    that was given before is not asked for again, but for public apps, which anybody could pretend to be
    (RFC 8252, 8.6), and with `prompt=consent`.
    """

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._in_tenant(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self._in_tenant(request)

    def _in_tenant(self, request: HttpRequest) -> HttpResponse:
        user = signed_in(request)
        with tenancy.operator():
            tenant = application_tenant(request.GET.get("client_id", ""))
            role = person_role(user, tenant[0]) if tenant else ""
        if tenant is None or not role:
            return _not_known(request)
        with tenancy.tenant(*tenant):
            try:
                scopes, credentials = self.validate_authorization_request(request)
            except OAuthToolkitError as error:
                return self._error(request, error)
            application = credentials["request"].client
            actor = Actor(user.email, client_address(request.META), request_id_of(request.META), role)
            asked = _Asked(request, user, actor, application, scopes, credentials)
            if request.method == "POST":
                return self._decided(asked)
            if asked.is_remembered():
                return self._allowed(asked)
            return _page(asked)

    def _decided(self, asked: "_Asked") -> HttpResponse:
        decision = asked.request.POST.get("decision")
        if decision == "deny":
            authorization_refuse(application=asked.application, scopes=asked.scopes, actor=asked.actor)
            return self._denied(asked)
        if decision != "allow" or asked.beyond:
            return _page(asked, status=403 if asked.beyond else 200)
        try:
            authorization_give(
                application=asked.application, user=asked.user, scopes=asked.scopes, actor=asked.actor
            )
        except Forbidden:
            return _page(asked, status=403)
        return self._allowed(asked)

    def _allowed(self, asked: "_Asked") -> HttpResponse:
        try:
            uri, _headers, _body, _status = self.create_authorization_response(
                asked.request, " ".join(asked.scopes), asked.credentials, allow=True
            )
        except OAuthToolkitError as error:
            return self._error(asked.request, error)
        return _sent_back(asked.request, uri)

    def _denied(self, asked: "_Asked") -> HttpResponse:
        try:
            self.create_authorization_response(asked.request, "", asked.credentials, allow=False)
        except OAuthToolkitError as error:
            error.oauthlib_error.redirect_uri = asked.credentials["redirect_uri"]
            return self._error(asked.request, error)
        raise AssertionError("a refusal is an error")

    def _error(self, request: HttpRequest, error: OAuthToolkitError) -> HttpResponse:
        """Back to the app with the error, or, where its address is not to be trusted, a page that says so."""
        if isinstance(error, FatalClientError) or not error.oauthlib_error.redirect_uri:
            return _not_known(request, error.oauthlib_error.description or "")
        parts = urlsplit(error.oauthlib_error.redirect_uri)
        kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "iss"]
        issuer = oauth2_settings.oauth2_authorization_server_issuer(request)
        query = urlencode([*kept, *error.oauthlib_error.twotuples, ("iss", issuer)])
        return _sent_back(request, parts._replace(query=query).geturl())


class _Asked:
    """A valid request for authorization, and who is asked."""

    def __init__(
        self,
        request: HttpRequest,
        user: User,
        actor: Actor,
        application: Application,
        scopes: list[str],
        credentials: dict[str, Any],
    ) -> None:
        self.request, self.user, self.actor = request, user, actor
        self.application, self.credentials = application, credentials
        allowed = person_scopes(user, application.organization_id)
        # an app that names no scope gets what the person may give of its own
        wanted = scopes if request.GET.get("scope") else [scope for scope in scopes if scope in allowed]
        self.scopes = sorted(set(wanted or scopes))
        self.beyond = sorted(set(self.scopes) - allowed)

    def is_remembered(self) -> bool:
        if self.beyond or self.application.is_public or self.request.GET.get("prompt") == "consent":
            return False
        given = self.application.authorizations.live().filter(user=self.user)
        return given.filter(scopes__contains=self.scopes).exists()


def _page(asked: _Asked, status: int = 200) -> HttpResponse:
    client = asked.application.api_client
    destination = urlsplit(asked.credentials["redirect_uri"])
    sentences = [(scope, Scope(scope).label) for scope in Scope if scope in asked.scopes]
    context = {
        "client": client,
        "application": asked.application,
        "organization": client.organization,
        "role": asked.actor.role,
        "scopes": sentences,
        "beyond": asked.beyond,
        "destination": destination.netloc,
        "action": asked.request.get_full_path(),
        "return_to": asked.request.get_full_path(),
    }
    response = render(asked.request, "oauth/consent.html", context, status=status)
    # browsers hold a form's redirects to this directive as well; IPv6 literals cannot be written in it
    source = "http:" if "[" in destination.netloc else f"{destination.scheme}://{destination.netloc}"
    response._csp_update = {"form-action": [source]}  # type: ignore[attr-defined]
    return response


def _sent_back(request: HttpRequest, uri: str) -> HttpResponse:
    """On to the app. Where a form of ours led here (sign-in), by a page: its policy forbids the redirect."""
    if request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "same-origin":
        return render(request, "oauth/sent_back.html", {"uri": uri, "host": urlsplit(uri).netloc})
    return OAuth2ResponseRedirect(uri, _SCHEMES)


def _not_known(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "oauth/not_known.html", {"reason": reason}, status=400)
