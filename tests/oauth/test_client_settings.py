"""A client's OAuth by API and in the dashboard: who may set it up, and what they are shown."""

import pytest

from config import tenancy
from credentials.scopes import Scope
from oauth.models import AccessToken, Application, Authorization, ClientSecret, Grant, RefreshToken
from oauth.tasks import clean_up
from tests.api_clients import CLIENTS, KeyCaller, client_acts, rows
from tests.factories import make_key, make_organization
from tests.oauth_clients import App, call, make_oauth_client
from tests.people import Caller, browser, make_member


def path(client, tail=""):
    return f"{CLIENTS}/{client.id}/oauth{tail}"


def test_an_owner_turns_oauth_on_and_rotates_its_secret_with_grace():
    client = make_oauth_client(scopes=["leads:read"])
    owner = Caller(make_member("owner", client.organization))
    assert owner("get", path(client)).status_code == 404
    first = owner("post", path(client, "/secrets"), {})
    assert first.status_code == 201, first.content
    body = first.json()
    assert (body["clientId"], body["oldSecretEndsAt"]) == (str(client.id), None)
    assert body["clientSecret"].endswith(body["lastFour"])
    second = owner("post", path(client, "/secrets"), {"graceSeconds": 3600}).json()
    for secret in (body["clientSecret"], second["clientSecret"]):
        assert App(client, secret=secret).machine_token()
    shown = owner("get", path(client)).json()
    assert [secret["expiresAt"] is None for secret in shown["secrets"]] == [True, False]
    assert shown["grantTypes"] == ["authorization_code", "client_credentials", "refresh_token"]
    assert shown["redirectUris"] == client.redirect_uris
    assert body["clientSecret"] not in str(shown)
    old = shown["secrets"][1]["id"]
    assert owner("delete", path(client, f"/secrets/{old}")).status_code == 204
    assert App(client, secret=body["clientSecret"]).token(grant_type="client_credentials").status_code == 401
    acts = [act for act, _before, _after in client_acts(client.id)]
    assert acts == ["oauth.turned_on", "oauth.secret_issued", "oauth.secret_rotated", "oauth.secret_revoked"]
    assert second["clientSecret"] not in str(client_acts(client.id))


def test_a_public_client_loses_its_secrets_and_its_own_tokens():
    app = App(make_oauth_client(scopes=["leads:read"]))
    token = app.machine_token()
    owner = Caller(make_member("owner", app.client.organization))
    assert call(token).status_code == 200
    changed = owner("put", path(app.client), {"clientType": "PUBLIC"})
    assert (changed.status_code, changed.json()["secrets"]) == (200, [])
    assert call(token).status_code == 401
    refused = owner("post", path(app.client, "/secrets"), {})
    assert (refused.status_code, refused.json()["error"]) == (409, "CONFLICT")
    assert rows(ClientSecret) == []
    assert owner("put", path(app.client), {"ipAllowlist": ["nowhere"]}).status_code == 400
    assert owner("delete", path(app.client)).status_code == 204
    assert rows(Application) == []


@pytest.mark.parametrize(
    ("verb", "tail"), [("put", ""), ("delete", ""), ("post", "/secrets"), ("delete", "/secrets/{secret}")]
)
def test_only_people_who_may_hand_out_all_of_a_clients_scopes_set_it_up(verb, tail):
    app = App(make_oauth_client(scopes=["leads:read", "keys:write"]))
    client = app.client
    (secret,) = rows(ClientSecret)
    tail = tail.format(secret=secret.id)
    keys = {
        "its own": make_key(client.organization, name=client.name, scopes=list(Scope)),
        "organization's": make_key(client.organization, scopes=list(Scope), organization_wide=True),
    }
    widens = verb != "delete"
    callers = {
        "member": (Caller(make_member("member", client.organization)), 403),
        "manager": (Caller(make_member("manager", client.organization)), 403 if widens else 204),
        "stranger": (Caller(make_member("owner", make_organization())), 404),
        "another's key": (KeyCaller(make_key(scopes=list(Scope), organization_wide=True)), 404),
        **{name: (KeyCaller(key), 403) for name, key in keys.items()},
    }
    for name, (caller, expected) in callers.items():
        if expected == 204:
            continue
        assert caller(verb, path(client, tail), {}).status_code == expected, name
    assert [row.id for row in rows(ClientSecret)] == [secret.id]
    if not widens:
        assert callers["manager"][0](verb, path(client, tail), {}).status_code == 204


def test_authorizations_are_listed_and_revoked():
    app = App()
    user = app.person()
    tokens = app.exchange(app.code(user)).json()
    app.machine_token("leads:read")
    manager = Caller(make_member("manager", app.client.organization))
    found = manager("get", path(app.client, "/authorizations")).json()
    assert found["pagination"]["total"] == 2
    by_person = {row["person"]: row for row in found["data"]}
    assert set(by_person) == {user.email, None}
    assert by_person[user.email]["scopes"] == ["leads:read"]
    member = Caller(make_member("member", app.client.organization))
    mine = path(app.client, f"/authorizations/{by_person[user.email]['id']}")
    assert member("delete", mine).status_code == 403
    other = App(make_oauth_client(app.client.organization))
    assert manager("delete", mine.replace(app.client_id, other.client_id)).status_code == 404
    assert call(tokens["access_token"]).status_code == 200
    assert manager("delete", mine).status_code == 204
    assert call(tokens["access_token"]).status_code == 401
    (given,) = rows(Authorization, user=user)
    assert given.revoked_by == manager.user.email
    assert [act for act, _b, _a in client_acts(given.id)] == ["authorization.given", "authorization.revoked"]


def test_people_see_and_take_back_their_own_consents_whatever_their_role():
    app = App()
    manager, owner = app.person("manager"), app.person()
    tokens = app.exchange(app.code(manager)).json()
    (given,) = rows(Authorization)
    stranger = browser(make_member("owner", make_organization()))
    member = browser(app.person("member"))
    end = f"/dashboard/authorizations/{given.id}/revoke"
    assert stranger.post(end).status_code == 404
    member.post(end)
    assert call(tokens["access_token"]).status_code == 200
    for person, query, seen in (
        (browser(manager), "", True),
        (browser(owner), "", False),
        (browser(owner), "?all=1", True),
        (member, "?all=1", False),
        (stranger, "?all=1", False),
    ):
        page = person.get(f"/dashboard/authorizations{query}").content.decode()
        assert (app.client.name in page) is seen
    assert browser(manager).post(end).status_code == 302
    assert call(tokens["access_token"]).status_code == 401


def test_the_pages_of_clients_are_for_their_organization(admin_client):
    app = App()
    stranger = browser(make_member("owner", make_organization()))
    member = browser(app.person("member"))
    for page in (f"/dashboard/clients/{app.client.id}", f"/dashboard/clients/{app.client.id}/change"):
        assert stranger.get(page).status_code == 404
        assert admin_client.get(page).status_code == 200
    assert member.get(f"/dashboard/clients/{app.client.id}").status_code == 200
    assert member.get(f"/dashboard/clients/{app.client.id}/change").status_code == 403
    assert app.client.name in member.get("/dashboard/clients?q=partner").content.decode()
    assert app.client.name not in stranger.get("/dashboard/clients").content.decode()
    assert member.post(f"/dashboard/clients/{app.client.id}/secret", {"grace_seconds": 0}).status_code == 403


def test_a_client_is_made_changed_and_deleted_in_the_dashboard():
    organization = make_organization()
    owner = browser(make_member("owner", organization))
    form = {
        "name": "Northwind",
        "contact_email": "dev@n.example",
        "redirect_uris": "https://n.example/cb",
        "rate_limit_tier": "basic",
        "scopes": ["leads:read"],
        "organization": organization.id,
        "environment": "production",
    }
    bad = owner.post("/dashboard/clients/new", form | {"redirect_uris": "http://n.example/cb"})
    assert bad.status_code == 422
    made = owner.post("/dashboard/clients/new", form)
    assert made.status_code == 302
    page = made["Location"]
    assert "https://n.example/cb" in owner.get(page).content.decode()
    changed = owner.post(f"{page}/change", form | {"name": "Southwind", "scopes": []})
    assert changed.status_code == 302
    assert owner.post(f"{page}/delete", {"confirm": "Northwind"})["Location"] == page
    assert owner.post(f"{page}/delete", {"confirm": "Southwind"})["Location"] == "/dashboard/clients"
    assert owner.get(page).status_code == 404


def test_what_is_over_is_cleaned_up_and_what_tells_of_a_theft_stays():
    app = App()
    tokens = app.exchange(app.code()).json()
    app.refresh(tokens["refresh_token"])
    clean_up()
    assert [len(rows(model)) for model in (Grant, AccessToken, RefreshToken)] == [1, 2, 2]
    with tenancy.operator():
        for model in (Grant, AccessToken, RefreshToken):
            model.objects.update(expires="2026-01-01T00:00:00Z")
    clean_up()
    assert [len(rows(model)) for model in (Grant, AccessToken, RefreshToken)] == [0, 0, 0]
