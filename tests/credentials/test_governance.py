"""Section A, governance: people issue, list, rotate and switch credentials through the API."""

import json

import pytest
import time_machine
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone

from config import tenancy
from credentials.models import ApiKey
from partners.models import AuditEntry, Membership
from partners.services.organizations import member_add
from tests.factories import ACTOR, make_key, make_organization, make_super_admin, make_user
from tests.partner import Partner
from tests.people import Caller, make_member

CREDENTIALS = "/partner/credentials"
NEW = {"name": "Acme", "scopes": ["leads:read"], "environment": "sandbox"}
FIELDS = {
    "id", "organizationId", "name", "environment", "keyId", "lastFour", "scopes", "status",
    "requestsPerMinute", "dailyQuota", "ipAllowlist", "requireSigning", "signingMode", "expiresAt",
    "lastUsedAt", "createdAt", "updatedAt", "companyId", "tier", "burst", "offerAllowlist",
    "brandAllowlist", "organizationWide",
}  # fmt: skip


@pytest.fixture
def person(organization):
    def build(role, of=None):
        return Caller(make_member(role, of or organization))

    return build


@pytest.fixture
def owner(person):
    return person(Membership.Role.OWNER)


def issue(caller, organization, **given):
    return caller("post", CREDENTIALS, NEW | {"organizationId": str(organization.id)} | given)


def key_count():
    with tenancy.operator():
        return ApiKey.objects.count()


@pytest.mark.parametrize(("role", "status"), [("owner", 201), ("manager", 201), ("member", 403)])
def test_owners_and_managers_issue_a_working_key_once(person, organization, role, status):
    caller = person(role)
    answer = issue(caller, organization)
    assert answer.status_code == status
    if status != 201:
        assert (answer.json()["error"], key_count()) == ("FORBIDDEN", 0)
        return
    body = answer.json()
    assert set(body) == FIELDS | {"rawApiKey", "webhookSecret", "signingSecret"}
    headers = {"x-partner-api-key": body["rawApiKey"]}
    assert Client().get("/api/partner/v1/health", headers=headers).status_code == 200
    listed = caller("get", CREDENTIALS).json()
    assert set(listed["data"][0]) == FIELDS
    assert body["rawApiKey"].split(".")[1] not in json.dumps(listed)
    with tenancy.operator():
        entry = AuditEntry.objects.get(action="key.issued")
    assert entry.actor.endswith("@hub.example")
    assert (entry.ip, entry.request_id) == ("127.0.0.1", answer["X-Request-Id"])


def test_members_may_read(person, organization):
    make_key(organization)
    member = person(Membership.Role.MEMBER)
    assert member("get", CREDENTIALS).json()["pagination"]["total"] == 1
    assert member("get", f"{CREDENTIALS}/usage/dashboard").status_code == 200


def test_another_organization_is_out_of_reach(owner):
    other = make_organization()
    theirs = make_key(other)
    before = key_count()
    assert issue(owner, other).status_code == 404
    assert owner("get", CREDENTIALS, organizationId=str(other.id)).status_code == 404
    for verb, path, body in (
        ("post", f"{CREDENTIALS}/{theirs.key.id}/rotate", {}),
        ("patch", f"{CREDENTIALS}/{theirs.key.id}/status", {"status": "revoked"}),
    ):
        assert owner(verb, path, body).status_code == 404
    assert owner("get", CREDENTIALS).json()["data"] == []
    assert key_count() == before
    assert Partner(theirs).get("/health").status_code == 200


def test_super_admins_govern_every_organization_they_name(organization):
    make_organization()
    admin = Caller(make_super_admin().user)
    assert admin("get", CREDENTIALS).status_code == 400
    assert issue(admin, organization).status_code == 201


def test_rotation_with_grace_and_status_changes(owner, organization):
    issued = make_key(organization)
    partner, path = Partner(issued), f"{CREDENTIALS}/{issued.key.id}"
    rotated = owner("post", f"{path}/rotate", {"graceSeconds": 3600})
    assert rotated.status_code == 200
    new = Client(headers={"x-partner-api-key": rotated.json()["rawApiKey"]})
    assert partner.get("/health").status_code == 200
    assert new.get("/api/partner/v1/health").status_code == 200
    for status, seen in (("suspended", 401), ("active", 200), ("revoked", 401)):
        changed = owner("patch", f"{path}/status", {"status": status})
        assert (changed.status_code, changed.json()["status"]) == (200, status)
        assert partner.get("/health").status_code == seen
    again = owner("patch", f"{path}/status", {"status": "active"})
    assert (again.status_code, again.json()["error"]) == (409, "INVALID_TRANSITION")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["world:rule"]}, "scopes"),
        ({"environment": "moon"}, "environment"),
        ({"ipAllowlist": ["nonsense"]}, "ipAllowlist"),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"requestsPerMinute": 0}, "requestsPerMinute"),
        ({"signingMode": "psychic"}, "signingMode"),
    ],
)
def test_a_bad_credential_is_400_and_not_issued(owner, organization, given, field):
    answer = issue(owner, organization, **given)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert field in answer.json()["details"]
    assert key_count() == 0


def test_signing_may_be_required(owner, organization):
    body = issue(owner, organization, requireSigning=True).json()
    assert (body["requireSigning"], body["signingMode"]) == (True, "body")
    headers = {"x-partner-api-key": body["rawApiKey"]}
    assert Client().get("/api/partner/v1/health", headers=headers).status_code == 401


def test_keys_do_not_govern_and_people_hold_no_key(partner, owner):
    answer = partner._client.get(CREDENTIALS, headers={"x-partner-api-key": partner.issued.raw})
    assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHORIZED")
    assert owner("get", "/api/partner/v1/health").status_code == 401
    assert Client().get(CREDENTIALS).status_code == 401


def test_the_dashboards_session_governs_with_its_csrf_token(organization):
    person = make_user()
    member_add(organization=organization, user=person.user, role="owner", actor=ACTOR)
    client = Client(enforce_csrf_checks=True)
    client.force_login(person.user)
    assert client.get(CREDENTIALS).status_code == 200
    body = json.dumps(NEW | {"organizationId": str(organization.id)})
    refused = client.post(CREDENTIALS, body, content_type="application/json")
    assert (refused.status_code, key_count()) == (403, 0)
    client.get("/accounts/logout/")
    token = client.cookies["csrftoken"].value
    issued = client.post(CREDENTIALS, body, content_type="application/json", headers={"X-CSRFToken": token})
    assert issued.status_code == 201


def sign_in(person, **given):
    body = {"email": person.user.email, "password": person.password} | given
    return Client().post("/partner/auth/token", json.dumps(body), content_type="application/json")


def test_a_token_is_short_lived_and_governs(organization):
    person = make_user()
    member_add(organization=organization, user=person.user, role="manager", actor=ACTOR)
    answer = sign_in(person)
    body = answer.json()
    assert (answer.status_code, body["tokenType"], body["expiresIn"]) == (200, "Bearer", 900)
    headers = {"Authorization": f"Bearer {body['accessToken']}"}
    assert Client().get(CREDENTIALS, headers=headers).status_code == 200
    assert answer["X-RateLimit-Limit"] == "60"


def test_wrong_passwords_and_unknown_people_look_the_same():
    person = make_user()
    wrong = sign_in(person, password="wrong")
    unknown = sign_in(person, email="nobody@hub.example")
    assert [wrong.status_code, unknown.status_code] == [401, 401]
    assert wrong.json()["message"] == unknown.json()["message"]


def test_the_one_time_code_is_asked_where_one_is_set():
    person = make_super_admin()
    TOTP.activate(person.user, generate_totp_secret())
    codes = RecoveryCodes.activate(person.user)
    code = codes.get_unused_codes()[0]
    assert sign_in(person).status_code == 401
    assert sign_in(person, code="000000").status_code == 401
    assert sign_in(person, code=code).status_code == 200
    assert sign_in(person, code=code).status_code == 401


def test_guessing_passwords_is_throttled():
    person = make_user()
    statuses = [sign_in(person, password="wrong").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    refused = sign_in(person)
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert refused.json()["error"] == "RATE_LIMIT_EXCEEDED"
    assert sign_in(make_user()).status_code == 200


def test_guessing_people_is_throttled_by_address():
    with time_machine.travel(timezone.now(), tick=False):  # the count starts anew each minute
        statuses = {sign_in(make_user(), password="wrong").status_code for _ in range(20)}
        assert statuses == {401}
        assert sign_in(make_user()).status_code == 429


def test_the_usage_dashboard_counts(owner, organization, shipped):
    partner = Partner(make_key(organization))
    partner.get("/health")
    partner.get("/nowhere")
    shipped()
    usage = owner("get", f"{CREDENTIALS}/usage/dashboard").json()
    assert (usage["totalRequests"], usage["failedRequests"]) == (2, 1)
    (row,) = usage["requestsByCredential"]
    assert (row["keyId"], row["count"]) == (partner.issued.key.key_id, 2)
