"""Codes, client credentials, refreshing and revoking, through the protocol's own endpoints."""

import pytest

from credentials.models import RequestLog
from oauth.models import AccessToken, Authorization, ClientSecret, Grant, RefreshToken
from tests.api_clients import rows
from tests.oauth_clients import App, call, make_oauth_client, make_public, sent_back
from tests.people import browser


def leads(app, token):
    return call(token, "/api/partner/v1/leads", organizationId=str(app.client.organization_id))


def test_a_code_becomes_tokens_that_work_like_a_key(shipped):
    app = App()
    answer = app.exchange(app.code(scope="leads:read bookings:read"))
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert set(body["scope"].split()) == {"leads:read", "bookings:read"}
    assert (body["access_token"][:4], body["refresh_token"][:4]) == ("oat_", "ort_")
    assert answer["Cache-Control"] == "no-store"
    found = leads(app, body["access_token"])
    assert (found.status_code, found.json()["data"]) == (200, [])
    assert found["X-RateLimit-Limit"] == "300"
    shipped()
    (row,) = rows(RequestLog, client_id=app.client.id)
    (authorization,) = rows(Authorization)
    assert (row.key_id, row.partner_api_key_id) == (f"oauth_{app.client.id.hex}", authorization.id)
    assert (row.organization_id, row.environment) == (app.client.organization_id, "sandbox")
    owner = browser(app.person())
    for key, seen in ((row.key_id, True), ("oauth_" + "0" * 32, False)):
        page = owner.get("/dashboard/requests", {"key": key}).content.decode()
        assert ("/api/partner/v1/leads" in page) is seen


def test_only_keyed_hashes_of_codes_tokens_and_secrets_are_stored():
    app = App()
    code = app.code()
    body = app.exchange(code).json()
    stored = repr(
        [vars(row) for model in (Grant, AccessToken, RefreshToken, ClientSecret) for row in rows(model)]
    )
    for secret in (code, body["access_token"], body["refresh_token"], app.secret):
        assert secret not in stored


def test_client_credentials_act_as_the_client_itself():
    app = App(make_oauth_client(scopes=["leads:read", "leads:write"]))
    answer = app.token(grant_type="client_credentials")
    assert set(answer.json()["scope"].split()) == {"leads:read", "leads:write"}
    assert "refresh_token" not in answer.json()
    assert leads(app, answer.json()["access_token"]).status_code == 200
    narrow = app.machine_token("leads:write")
    refused = leads(app, narrow)
    assert (refused.status_code, refused.json()["details"]["requiredScope"]) == (403, "leads:read")


def test_refreshing_rotates_and_the_old_access_token_lives_on():
    app = App()
    first = app.exchange(app.code(scope="leads:read leads:write")).json()
    second = app.refresh(first["refresh_token"], scope="leads:read").json()
    assert second["scope"] == "leads:read"
    assert second["refresh_token"] != first["refresh_token"]
    assert (
        leads(app, first["access_token"]).status_code == leads(app, second["access_token"]).status_code == 200
    )
    third = app.refresh(second["refresh_token"]).json()
    assert set(third["scope"].split()) == {"leads:read", "leads:write"}


def test_a_refresh_token_that_comes_twice_ends_all_that_came_of_its_code():
    app = App()
    first = app.exchange(app.code()).json()
    second = app.refresh(first["refresh_token"]).json()
    assert leads(app, second["access_token"]).status_code == 200
    twice = app.refresh(first["refresh_token"])
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_grant")
    for token in (first, second):
        assert leads(app, token["access_token"]).status_code == 401
    assert app.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_code_that_comes_twice_ends_its_tokens():
    app = App()
    code = app.code()
    tokens = app.exchange(code).json()
    other = app.exchange(app.code()).json()
    assert leads(app, tokens["access_token"]).status_code == 200
    twice = app.exchange(code)
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_grant")
    assert leads(app, tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert leads(app, other["access_token"]).status_code == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_a_token_ends_its_family(which):
    app = App()
    tokens = app.exchange(app.code()).json()
    assert leads(app, tokens["access_token"]).status_code == 200
    assert app.post("introspect", token=tokens[which]).json()["active"] is True
    assert app.post("revoke", token=tokens[which]).status_code == 200
    assert leads(app, tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.post("introspect", token=tokens[which]).json() == {"active": False}
    assert app.post("revoke", token=tokens[which]).status_code == 200


def test_introspection_says_what_a_token_may_do():
    app = App()
    user = app.person()
    tokens = app.exchange(app.code(user)).json()
    said = app.post("introspect", token=tokens["access_token"]).json()
    assert (said["client_id"], said["scope"], said["sub"]) == (app.client_id, "leads:read", str(user.id))
    assert said["exp"] - said["iat"] == pytest.approx(3600, abs=5)
    other = App(make_oauth_client(app.client.organization))
    assert other.post("introspect", token=tokens["access_token"]).json() == {"active": False}
    assert other.post("revoke", token=tokens["access_token"]).status_code == 200
    assert leads(app, tokens["access_token"]).status_code == 200


def test_a_public_app_proves_itself_by_its_verifier_alone_and_is_asked_for_again_each_time():
    client = make_oauth_client(redirect_uris=["http://127.0.0.1/callback"])
    make_public(client)
    app = App(client, secret="")
    user = app.person()
    # an app on the person's machine listens where there is room (RFC 8252, 7.3)
    at = "http://127.0.0.1:51004/callback"
    code = app.code(user, redirect_uri=at)
    tokens = app.exchange(code, redirect_uri=at).json()
    assert leads(app, tokens["access_token"]).status_code == 200
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    again = browser(user).get(app.question(redirect_uri=at))
    assert again.status_code == 200
    refused = app.token(grant_type="client_credentials")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_remembered_consent_is_not_asked_for_again_but_for_more():
    app = App()
    user = app.person()
    app.code(user, scope="leads:read leads:write")
    tab = browser(user)
    assert sent_back(tab.get(app.question()))["code"]
    assert tab.get(app.question(scope="leads:read bookings:read")).status_code == 200
    assert tab.get(app.question(prompt="consent")).status_code == 200


def test_the_answer_names_its_issuer(client):
    app = App()
    told = sent_back(browser(app.person()).post(app.question(), {"decision": "allow"}))
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    assert told["iss"] == metadata["issuer"] == "http://127.0.0.1:8000"
    assert told["state"] == "st"
    assert metadata["token_endpoint"] == "http://127.0.0.1:8000/oauth/token"
    assert metadata["grant_types_supported"] == ["authorization_code", "client_credentials", "refresh_token"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert "leads:read" in metadata["scopes_supported"]
