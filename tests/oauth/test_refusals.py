"""What the authorization server refuses, and that a refusal hands nothing out."""

import pytest

from config import tenancy
from credentials.services.clients import client_delete, client_update
from credentials.services.members import member_change_role, member_remove
from credentials.services.suspension import client_change_status, organization_change_status
from oauth.models import AccessToken, Authorization, Grant, RefreshToken
from oauth.services.applications import application_delete, client_secret_revoke
from oauth.services.authorizations import authorization_revoke
from partners.models import ApiClient, AuditEntry, Membership
from partners.services.organizations import member_add
from tests.api_clients import rows
from tests.factories import ACTOR, make_organization
from tests.oauth_clients import App, call, make_oauth_client, make_secret, sent_back
from tests.people import browser, make_member

LEADS = "/api/partner/v1/leads"


def nothing_issued():
    return not any(rows(model) for model in (Grant, AccessToken, RefreshToken))


def status(app, token):
    return call(token, LEADS, organizationId=str(app.client.organization_id)).status_code


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "leads:read clients:write"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_question_that_is_not_allowed_goes_back_with_an_error(given, error):
    app = App()
    tab = browser(app.person())
    for answer in (tab.get(app.question(**given)), tab.post(app.question(**given), {"decision": "allow"})):
        told = sent_back(answer)
        assert (told["error"], told["iss"]) == (error, "http://127.0.0.1:8000")
        assert told["state"] == "st"
        assert "code" not in told
    assert nothing_issued()


@pytest.mark.parametrize(
    "uri",
    [
        "https://partner.example/callback/",
        "https://partner.example/callback?next=1",
        "https://partner.example/callback#x",
        "https://PARTNER.example/callback",
        "https://partner.example:443/callback",
        "https://partner.example.evil.example/callback",
        "https://u@partner.example/callback",
        "http://partner.example/callback",
        "http://127.0.0.1/callback",
        "//partner.example/callback",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_uri_that_is_not_the_clients_to_the_letter_is_never_gone_to(uri):
    app = App()
    tab = browser(app.person())
    for answer in (
        tab.get(app.question(redirect_uri=uri)),
        tab.post(app.question(redirect_uri=uri), {"decision": "allow"}),
    ):
        assert answer.status_code == 400
        assert "Location" not in answer
    assert nothing_issued()


def test_another_organizations_people_and_guests_get_no_consent_page(client):
    app = App()
    stranger = make_member("owner", make_organization())
    unknown = browser(stranger).get(app.question(client_id="0191d8c5-0000-7000-8000-000000000000"))
    for answer in (
        browser(stranger).get(app.question()),
        browser(stranger).post(app.question(), {"decision": "allow"}),
    ):
        assert answer.status_code == 400
        assert app.client.name not in answer.content.decode()
        assert answer.content.count(b"<") == unknown.content.count(b"<")
    guest = client.get(app.question())
    assert (guest.status_code, guest["Location"].split("?")[0]) == (302, "/accounts/login/")
    assert nothing_issued()


def test_a_person_hands_out_no_more_than_their_role_may():
    app = App(make_oauth_client(scopes=["leads:read", "keys:write"]))
    for role, scope in (("manager", "leads:read keys:write"), ("member", "leads:read")):
        tab = browser(app.person(role))
        page = tab.get(app.question(scope=scope))
        assert page.status_code == 200
        assert b'value="allow"' not in page.content
        assert tab.post(app.question(scope=scope), {"decision": "allow"}).status_code == 403
    assert nothing_issued()
    assert rows(Authorization) == []
    assert app.code(app.person("manager"), scope=None)
    (given,) = rows(Authorization)
    assert given.scopes == ["leads:read"]


def test_denying_is_told_and_audited():
    app = App()
    told = sent_back(browser(app.person()).post(app.question(), {"decision": "deny"}))
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "st", "http://127.0.0.1:8000")
    assert nothing_issued()
    assert [entry.action for entry in rows(AuditEntry, target_type="application")] == [
        "authorization.refused"
    ]


def test_the_question_needs_the_pages_csrf_token():
    app = App()
    tab = browser(app.person())
    tab.handler.enforce_csrf_checks = True
    assert tab.post(app.question(), {"decision": "allow"}).status_code == 403
    assert nothing_issued()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"code_verifier": "x" * 50}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "https://partner.example/other"}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "nul\x00"}, "unsupported_grant_type"),
        ({"code": "nul\x00"}, "invalid_grant"),
    ],
)
def test_a_code_is_not_exchanged_for_less_than_all_of_its_proof(given, error):
    app = App()
    code = app.code()
    answer = app.exchange(given.get("code", code), **{k: v for k, v in given.items() if k != "code"})
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.content
    assert answer["Content-Type"] == "application/json"
    assert rows(AccessToken) == []
    # the refusal used nothing up
    assert app.exchange(code).status_code == 200


def test_a_code_is_of_one_client_and_for_one_minute():
    app = App()
    other = App(make_oauth_client(app.client.organization))
    other.verifier = app.verifier
    code = app.code()
    assert other.exchange(code).json()["error"] == "invalid_grant"
    foreign = App()
    assert foreign.exchange(code).json()["error"] == "invalid_grant"
    with tenancy.operator():
        Grant.objects.update(expires="2026-01-01T00:00:00Z")
    assert app.exchange(code).json()["error"] == "invalid_grant"
    assert rows(AccessToken) == []


def test_wrong_client_credentials_are_refused_and_slow():
    app = App()
    for secret in ("ocs_wrong", app.secret[:-1], "x\x00y"):
        answer = App(app.client, secret=secret).token(grant_type="client_credentials")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer["WWW-Authenticate"].startswith("Basic")
    both = app.post(
        "token", grant_type="client_credentials", client_secret=app.secret, client_id=app.client_id
    )
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    twice = app._http.post(
        "/oauth/token", "grant_type=a&grant_type=b", content_type="application/x-www-form-urlencoded"
    )
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    as_json = app._http.post(
        "/oauth/token", {"grant_type": "client_credentials"}, content_type="application/json"
    )
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")
    assert app._http.get("/oauth/token").status_code == 405
    wrong = App(app.client, secret="ocs_wrong")
    answers = [wrong.token(grant_type="client_credentials") for _ in range(20)]
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "60"
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert rows(AccessToken) == []


def test_two_secrets_work_during_a_rotation_and_one_after():
    app = App()
    renewed = App(app.client, secret=make_secret(app.client, grace_s=3600).secret)
    assert app.machine_token("leads:read")
    assert renewed.machine_token("leads:read")
    third = make_secret(app.client)
    assert app.token(grant_type="client_credentials").status_code == 401
    assert renewed.token(grant_type="client_credentials").status_code == 401
    latest = App(app.client, secret=third.secret)
    assert latest.machine_token("leads:read")
    with tenancy.operator():
        client_secret_revoke(client_id=app.client.id, secret_id=third.record.id, actor=ACTOR)
    assert latest.token(grant_type="client_credentials").status_code == 401


def suspend_client(app, user):
    client_change_status(client_id=app.client.id, status="SUSPENDED", actor=ACTOR)


def suspend_organization(app, user):
    organization_change_status(organization_id=app.client.organization_id, status="suspended", actor=ACTOR)


def delete_client(app, user):
    client_delete(client_id=app.client.id, actor=ACTOR)


def turn_off(app, user):
    application_delete(client_id=app.client.id, actor=ACTOR)


def revoke_consent(app, user):
    given = Authorization.objects.get(user=user)
    authorization_revoke(authorization_id=given.id, actor=ACTOR)


def lose_membership(app, user):
    organization = app.client.organization
    keeper = make_member("owner").pk
    member_add(organization=organization, user=type(user).objects.get(pk=keeper), role="owner", actor=ACTOR)
    membership = Membership.objects.get(user=user)
    member_remove(organization=organization, membership_id=membership.id, actor=ACTOR)


def lose_role(app, user):
    organization = app.client.organization
    keeper = make_member("owner").pk
    member_add(organization=organization, user=type(user).objects.get(pk=keeper), role="owner", actor=ACTOR)
    membership = Membership.objects.get(user=user)
    member_change_role(organization=organization, membership_id=membership.id, role="member", actor=ACTOR)


@pytest.mark.parametrize(
    "act",
    [
        suspend_client,
        suspend_organization,
        delete_client,
        turn_off,
        revoke_consent,
        lose_membership,
        lose_role,
    ],
)
def test_what_ends_a_persons_tokens_ends_them_at_the_next_request(act):
    app = App()
    user = app.person()
    tokens = app.exchange(app.code(user)).json()
    assert status(app, tokens["access_token"]) == 200
    with tenancy.operator():
        act(app, user)
    refused = call(tokens["access_token"], LEADS, organizationId=str(app.client.organization_id))
    assert (refused.status_code, refused.json()["error"]) == (401, "UNAUTHORIZED")
    answer = app.refresh(tokens["refresh_token"])
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_grant", "invalid_client")


def test_a_suspended_client_works_again_once_it_is_resumed():
    app = App()
    token = app.machine_token("leads:read")
    assert status(app, token) == 200
    for wanted, expected in (("SUSPENDED", 401), ("ACTIVE", 200)):
        with tenancy.operator():
            client_change_status(client_id=app.client.id, status=wanted, actor=ACTOR)
        assert status(app, token) == expected


def test_a_token_loses_the_scopes_that_its_client_loses():
    app = App()
    token = app.machine_token("leads:read bookings:read")
    assert status(app, token) == 200
    with tenancy.operator():
        client_update(client_id=app.client.id, changes={"scopes": ["bookings:read"]}, actor=ACTOR)
    refused = call(token, LEADS, organizationId=str(app.client.organization_id))
    assert (refused.status_code, refused.json()["details"]["reason"]) == (403, "missing_scope")


def test_all_tokens_of_a_client_share_its_limit():
    app = App(make_oauth_client(scopes=["leads:read"], rate_limit_tier="basic"))
    tokens = [app.machine_token() for _ in range(2)]
    answers = [status(app, tokens[n % 2]) for n in range(61)]
    assert answers[:60] == [200] * 60
    assert answers[60] == 429


def test_a_token_reaches_its_own_tenant_only():
    app, other = App(), App()
    token = app.machine_token("leads:read")
    mine = str(app.client.organization_id)
    refused = call(token, LEADS, organizationId=str(other.client.organization_id))
    assert (refused.status_code, refused.json()["details"]["reason"]) == (403, "tenant_mismatch")
    assert call(token, LEADS, organizationId=mine).status_code == 200
    assert call(f"{token[:-1]}x", LEADS, organizationId=mine).status_code == 401
    assert call("oat_" + "x" * 49, LEADS, organizationId=mine).status_code == 401
    both = app._http.get(
        LEADS,
        {"organizationId": mine},
        headers={"Authorization": f"Bearer {token}", "x-api-key": "pk_sandbox_aaaaaaaaaaaa.sk_x"},
    )
    assert both.status_code == 401


def test_an_allow_list_holds_a_clients_tokens():
    app = App()
    token = app.machine_token("leads:read")
    assert status(app, token) == 200
    answer = browser(app.person()).post(
        f"/dashboard/clients/{app.client.id}/oauth",
        {"client_type": "confidential", "ip_allowlist": "203.0.113.0/24"},
    )
    assert answer.status_code == 302
    refused = call(token, LEADS, organizationId=str(app.client.organization_id))
    assert (refused.status_code, refused.json()["details"]["reason"]) == (403, "ip_not_allowed")


def test_without_the_partner_api_there_are_no_tokens(settings):
    app = App()
    settings.PARTNER_API_ENABLED = False
    answer = app.token(grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert rows(AccessToken) == []


def test_reuse_is_audited():
    app = App()
    code = app.code()
    app.exchange(code)
    app.exchange(code)
    (entry,) = rows(AuditEntry, action="authorization.reuse_detected")
    assert (entry.actor, entry.after) == ("hub", {"tokens_ended": 2})
    assert entry.organization_id == app.client.organization_id


def test_a_client_without_an_organization_of_the_person_is_not_deleted_by_them():
    app = App()
    stranger = browser(make_member("owner", make_organization()))
    for path in ("delete", "oauth", "oauth/off", "secret", "status", "change"):
        assert stranger.post(
            f"/dashboard/clients/{app.client.id}/{path}", {"status": "SUSPENDED"}
        ).status_code in (404, 302)
    (client,) = rows(ApiClient, pk=app.client.id)
    assert client.status == "ACTIVE"
    assert app.machine_token("leads:read")
