"""OAuth as a partner's programs speak it, through Django's handlers."""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.http import HttpResponse
from django.test import Client

from config import tenancy
from credentials.scopes import PARTNER_SCOPES
from oauth.services.applications import IssuedSecret, application_set, client_secret_rotate
from partners.models import ApiClient, Organization, User
from tests.factories import ACTOR, make_client, make_organization
from tests.people import browser, make_member

REDIRECT = "https://partner.example/callback"


def make_oauth_client(organization: Organization | None = None, **given: Any) -> ApiClient:
    """An API client with redirect URIs and scopes, ready for OAuth."""
    client = make_client(organization or make_organization())
    fields = {
        "redirect_uris": [REDIRECT],
        "scopes": [str(scope) for scope in PARTNER_SCOPES],
        "contact_email": "dev@partner.example",
    } | given
    with tenancy.operator():
        ApiClient.objects.filter(pk=client.pk).update(**fields)
        return ApiClient.objects.select_related("organization").get(pk=client.pk)


def make_secret(client: ApiClient, **given: Any) -> IssuedSecret:
    with tenancy.operator():
        return client_secret_rotate(client_id=client.id, actor=ACTOR, **given)


def make_public(client: ApiClient) -> None:
    with tenancy.operator():
        application_set(client_id=client.id, client_type="public", actor=ACTOR)


class App:
    """A partner's app: asks people for consent, and speaks to the token endpoint as itself."""

    def __init__(self, client: ApiClient | None = None, *, secret: str | None = None) -> None:
        self.client = client or make_oauth_client()
        self.secret = make_secret(self.client).secret if secret is None else secret
        self.verifier = secrets.token_urlsafe(48)
        self._http = Client(raise_request_exception=False)

    @property
    def client_id(self) -> str:
        return str(self.client.id)

    def question(self, **given: Any) -> str:
        """The address that a person is sent to."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.client.redirect_uris[0],
            "scope": "leads:read",
            "state": "st",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        } | given
        return "/oauth/authorize?" + urlencode({k: v for k, v in query.items() if v is not None})

    def person(self, role: str = "owner") -> User:
        return make_member(role, self.client.organization)

    def code(self, user: User | None = None, **given: Any) -> str:
        """A code that a person allowed."""
        page = browser(user or self.person()).post(self.question(**given), {"decision": "allow"})
        return sent_back(page)["code"]

    def token(self, **form: Any) -> HttpResponse:
        return self.post("token", **form)

    def exchange(self, code: str, **given: Any) -> HttpResponse:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uris[0],
            "code_verifier": self.verifier,
        }
        return self.token(**form | given)

    def refresh(self, token: str, **given: Any) -> HttpResponse:
        return self.token(grant_type="refresh_token", refresh_token=token, **given)

    def machine_token(self, scope: str | None = None) -> str:
        answer = self.token(grant_type="client_credentials", **({"scope": scope} if scope else {}))
        return answer.json()["access_token"]

    def post(self, endpoint: str, **form: Any) -> HttpResponse:
        """A form to an endpoint of machines, with HTTP Basic, or as a public client without a secret."""
        headers = {}
        if self.secret:
            pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
            headers = {"Authorization": f"Basic {pair}"}
        else:
            form = {"client_id": self.client_id} | form
        return self._http.post(
            f"/oauth/{endpoint}",
            urlencode(form),
            content_type="application/x-www-form-urlencoded",
            headers=headers,
        )


def sent_back(answer: HttpResponse) -> dict[str, str]:
    """What a redirect tells the app."""
    assert answer.status_code == 302, answer.content
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def call(token: str, path: str = "/api/partner/v1/health", **query: Any) -> HttpResponse:
    """A GET with an access token."""
    client = Client(raise_request_exception=False)
    return client.get(path, query, headers={"Authorization": f"Bearer {token}"})
