"""A partner's app, by a client library that is not ours, asks a person for consent in a browser."""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from oauth.models import Authorization
from partners.services.organizations import member_add
from tests.api_clients import rows
from tests.browser.sessions import sign_in
from tests.factories import ACTOR, make_organization, make_user
from tests.oauth_clients import make_oauth_client, make_secret
from tests.processes import wait_until

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


class Callback:
    """Where the app listens for people who come back."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/callback"):
                    seen.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<title>Back</title><p>You are back at the app.</p>")

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/callback"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answered(self) -> str:
        """The address that the last person came back to."""
        wait_until(lambda: self.seen, seconds=20)
        return self.url.removesuffix("/callback") + self.seen.pop()


@pytest.fixture
def callback() -> Iterator[Callback]:
    callback = Callback()
    yield callback
    callback.close()


def person_of(organization, role="owner"):
    person = make_user(full_name="Omer Owner")
    member_add(organization=organization, user=person.user, role=role, actor=ACTOR)
    return person


def app_of(client, callback, **given):
    secret = make_secret(client).secret
    return OAuth2Session(
        str(client.id),
        secret,
        redirect_uri=callback.url,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
        **given,
    )


def leads(hub, client, token):
    return requests.get(
        f"{hub}/api/partner/v1/leads",
        params={"organizationId": str(client.organization_id)},
        headers={"Authorization": f"Bearer {token['access_token']}"},
        timeout=10,
    )


def test_a_standard_client_gets_consent_in_a_browser_and_uses_refreshes_and_revokes_its_tokens(
    page, hub, callback, picture
):
    organization = make_organization(name="Acme Contact Centers")
    client = make_oauth_client(
        organization,
        name="Northwind CRM",
        description="Keeps your leads and bookings in step with Northwind.",
        redirect_uris=[callback.url],
    )
    app = app_of(client, callback, scope="leads:read leads:write bookings:read")
    verifier = secrets.token_urlsafe(48)
    question, state = app.create_authorization_url(f"{hub}/oauth/authorize", code_verifier=verifier)
    page.goto(question)
    person = person_of(organization)
    page.get_by_label("Email").fill(person.user.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Allow Northwind CRM?").wait_for()
    for shown in ("Acme Contact Centers", "Create and change leads", person.user.email, "127.0.0.1"):
        assert page.get_by_text(shown).first.is_visible(), shown
    picture(page, "oauth-consent")
    page.get_by_role("button", name="Allow").click()
    page.get_by_text("You are back at the app.").wait_for()
    answer = callback.answered()
    assert parse_qs(urlsplit(answer).query)["state"] == [state]
    metadata = requests.get(f"{hub}/.well-known/oauth-authorization-server", timeout=10).json()
    assert parse_qs(urlsplit(answer).query)["iss"] == [metadata["issuer"]]
    token = app.fetch_token(
        f"{hub}/oauth/token", authorization_response=answer, code_verifier=verifier, state=state
    )
    assert leads(hub, client, token).json()["data"] == []

    newer = dict(app.refresh_token(f"{hub}/oauth/token", refresh_token=token["refresh_token"]))
    assert leads(hub, client, newer).status_code == 200
    # remembered: a second consent is not asked for, also right after signing in
    page.context.clear_cookies()
    again, _state = app.create_authorization_url(f"{hub}/oauth/authorize", code_verifier=verifier)
    page.goto(again)
    page.get_by_label("Email").fill(person.user.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("You are back at the app.").wait_for()
    assert "code=" in callback.answered()
    page.goto(again)
    page.get_by_text("You are back at the app.").wait_for()
    assert "code=" in callback.answered()

    app.revoke_token(f"{hub}/oauth/revoke", token=newer["refresh_token"], token_type_hint="refresh_token")
    assert leads(hub, client, newer).status_code == leads(hub, client, token).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        app.refresh_token(f"{hub}/oauth/token", refresh_token=newer["refresh_token"])


def test_a_machine_gets_a_token_of_its_own(hub, callback):
    client = make_oauth_client(scopes=["leads:read", "bookings:read"])
    app = app_of(client, callback)
    token = app.fetch_token(f"{hub}/oauth/token", grant_type="client_credentials", scope="leads:read")
    assert token["expires_at"] > time.time()
    answer = leads(hub, client, token)
    assert answer.status_code == 200
    assert answer.headers["X-RateLimit-Limit"] == "120"
    said = app.introspect_token(f"{hub}/oauth/introspect", token=token["access_token"]).json()
    assert (said["active"], said["scope"]) == (True, "leads:read")


def test_denying_sends_back_an_error_and_a_member_is_told_to_ask_an_owner(page, hub, callback):
    client = make_oauth_client(redirect_uris=[callback.url], name="Northwind CRM")
    app = app_of(client, callback, scope="leads:read")
    question, _state = app.create_authorization_url(f"{hub}/oauth/authorize", code_verifier="v" * 50)
    sign_in(page, person_of(client.organization))
    page.goto(question)
    page.get_by_role("button", name="Deny").click()
    page.get_by_text("You are back at the app.").wait_for()
    answer = callback.answered()
    told = parse_qs(urlsplit(answer).query)
    assert told["error"] == ["access_denied"]
    assert "code" not in told
    page.context.clear_cookies()
    sign_in(page, person_of(client.organization, "member"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(question)
    page.get_by_text("Ask an owner of the organization").wait_for()
    assert page.get_by_role("button", name="Allow").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert rows(Authorization) == []


def test_an_owner_sets_oauth_up_and_takes_a_consent_back_in_the_dashboard(page, hub, callback, picture):
    organization = make_organization(name="Acme Contact Centers")
    sign_in(page, person_of(organization))
    page.goto("/dashboard/")
    page.get_by_role("link", name="API clients").click()
    page.get_by_role("link", name="New client").first.click()
    page.get_by_label("Name", exact=True).fill("Northwind CRM")
    page.get_by_label("Contact address").fill("dev@northwind.example")
    page.get_by_label("Redirect URIs").fill("https://northwind.example/*")
    page.get_by_label("List and read leads").check()
    page.get_by_role("button", name="Create client").click()
    page.get_by_text("holds no wildcard").wait_for()
    page.get_by_label("Redirect URIs").fill(callback.url)
    page.get_by_role("button", name="Create client").click()
    page.get_by_role("button", name="Turn on OAuth").click()
    client_id = page.locator("#oauth-client-id").inner_text().strip()
    page.get_by_role("button", name="New secret").click()
    secret = page.locator("#oauth-client-secret").inner_text().strip()
    assert secret.startswith("ocs_")
    picture(page, "oauth-secret")
    page.get_by_role("link", name="Done").click()
    app = OAuth2Session(client_id, secret, redirect_uri=callback.url, code_challenge_method="S256")
    question, _state = app.create_authorization_url(f"{hub}/oauth/authorize", code_verifier="v" * 50)
    page.goto(question)
    page.get_by_role("button", name="Allow").click()
    page.get_by_text("You are back at the app.").wait_for()
    token = app.fetch_token(
        f"{hub}/oauth/token", authorization_response=callback.answered(), code_verifier="v" * 50
    )
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    health = f"{hub}/api/partner/v1/health"
    assert requests.get(health, headers=headers, timeout=10).status_code == 200
    page.goto(f"/dashboard/clients/{client_id}")
    page.get_by_role("region", name="Live authorizations").get_by_text("leads:read").wait_for()
    picture(page, "oauth-client")
    page.goto("/dashboard/authorizations")
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("has no access any more").wait_for()
    assert requests.get(health, headers=headers, timeout=10).status_code == 401
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("clients", f"clients/{client_id}", f"clients/{client_id}/change", "authorizations?all=1"):
        page.goto(f"/dashboard/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
