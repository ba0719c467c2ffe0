"""Contract D: the keys of API clients, issued by people and by keys."""

import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from config import tenancy
from credentials import snapshots
from credentials.models import ApiKey
from credentials.scopes import PARTNER_SCOPES, Scope
from credentials.services.client_keys import client_key_issue
from credentials.services.clients import client_update
from partners.models import AuditEntry
from tests.api_clients import CLIENTS, KEYS, KeyCaller, terms
from tests.factories import ACTOR, make_client, make_company, make_key
from tests.partner import BASE, Partner
from tests.people import Caller, browser, make_member

FIELDS = {"id", "keyId", "keyPrefix", "name", "status", "expiresAt", "scopes", "lastUsedAt", "createdAt"}
ONCE = {"key", "signingSecret"}
SCOPES = ["clients:read", "companies:read", "keys:write", "leads:read"]


@pytest.fixture
def owner(organization):
    return Caller(make_member("owner", organization))


@pytest.fixture
def client(owner):
    return owner("post", CLIENTS, terms(scopes=SCOPES, rateLimitTier="premium")).json()


def issue(caller, client, **given):
    return caller("post", KEYS, {"clientId": client["id"], "name": "Server"} | given)


def issued(caller, client, **given):
    answer = issue(caller, client, **given)
    assert answer.status_code == 201, answer.content
    return answer.json()


def keys():
    with tenancy.operator():
        return list(ApiKey.objects.order_by("created_at"))


def refused(answer, status, **details):
    assert answer.status_code == status, answer.content
    assert {name: answer.json()["details"][name] for name in details} == details


def test_a_key_is_shown_once_and_works_at_its_clients_tier(owner, client, organization):
    made = issued(owner, client, scopes=["leads:read"], expiresAt="2099-01-01T00:00:00Z", metadata={"a": 1})
    assert set(made) == FIELDS | ONCE
    assert (made["status"], made["expiresAt"], made["signingSecret"]) == (
        "ACTIVE",
        "2099-01-01T00:00:00Z",
        None,
    )
    assert made["key"].startswith(f"{made['keyId']}.sk_")
    assert made["keyId"].startswith(made["keyPrefix"])
    answer = KeyCaller(made["key"])("get", f"{BASE}/leads", organizationId=str(organization.id))
    assert (answer.status_code, answer["X-RateLimit-Limit"]) == (200, "300")
    (listed,) = owner("get", f"{CLIENTS}/{client['id']}/api-keys").json()["data"]
    assert set(listed) == FIELDS
    assert keys()[0].metadata == {"a": 1}
    with tenancy.operator():
        (entry,) = AuditEntry.objects.filter(action="key.issued")
    assert made["key"].split(".")[1] not in str(entry.after)


def test_without_scopes_a_key_gets_its_clients(owner, client):
    assert issued(owner, client)["scopes"] == SCOPES


def test_a_key_is_never_wider_than_its_client(owner, client):
    answer = issue(owner, client, scopes=["leads:read", "leads:write"])
    refused(answer, 400, scopes=["The client does not hold: leads:write."])
    refused(issue(owner, client, scopes=[]), 400)
    bare = owner("post", CLIENTS, terms()).json()
    refused(issue(owner, bare), 400)
    assert keys() == []
    assert owner("get", f"{CLIENTS}/{client['id']}").json()["scopes"] == SCOPES


BAD = {
    "name": ["", "x" * 256, None],
    "expiresAt": ["2020-01-01T00:00:00Z", "soon", 5],
    "scopes": ["leads:read", ["no:such"], [5]],
    "rateLimitOverride": [0, -1, 1.5, True, "fast", [], {"requestsPerMinute": 0}, {"perMinute": 5}, 10**9],
    "metadata": [[], {"x": "y" * 20_000}],
    "clientId": ["acme", 5, None],
}


@pytest.mark.parametrize(("field", "value"), [(name, value) for name in BAD for value in BAD[name]])
def test_a_bad_field_is_named_and_no_key_is_issued(owner, client, field, value):
    answer = issue(owner, client, **{field: value})
    assert answer.status_code == 400
    assert field in answer.json()["details"]
    assert keys() == []


@pytest.mark.parametrize(
    ("override", "limit", "policy"),
    [
        (5, "5", '"minute";q=5;w=60'),
        ({"requestsPerMinute": 7, "dailyQuota": 100}, "7", '"minute";q=7;w=60, "day";q=100;w=86400'),
        ({"requestsPerMinute": 60, "burst": 90}, "60", '"burst";q=90;w=90'),
        ({}, "300", '"minute";q=300;w=60, "hour";q=15000;w=3600, "day";q=150000;w=86400'),
        (None, "300", '"minute";q=300;w=60, "hour";q=15000;w=3600, "day";q=150000;w=86400'),
    ],
)
def test_a_key_may_have_limits_of_its_own(owner, client, override, limit, policy):
    key = KeyCaller(issued(owner, client, rateLimitOverride=override)["key"])
    answer = key("get", f"{BASE}/health")
    assert (answer["X-RateLimit-Limit"], answer["RateLimit-Policy"]) == (limit, policy)


def test_revoking_holds_at_once_and_twice(owner, client):
    made = issued(owner, client)
    key, path = KeyCaller(made["key"]), f"{CLIENTS}/{client['id']}/api-keys/{made['id']}"
    assert key("get", f"{BASE}/health").status_code == 200
    cached = dict(snapshots._cache)
    answer = owner("delete", path)
    assert (answer.status_code, answer.content) == (204, b"")
    snapshots._cache.update(cached)
    assert key("get", f"{BASE}/health").status_code == 401
    assert owner("delete", path).status_code == 204
    with tenancy.operator():
        assert AuditEntry.objects.filter(action="key.revoked").count() == 1


def test_another_clients_key_is_not_there(owner, client, organization):
    other = make_key(organization).key
    assert owner("delete", f"{CLIENTS}/{client['id']}/api-keys/{other.id}").status_code == 404
    assert keys()[0].status == "active"


def test_keys_are_listed_by_state_and_name(owner, client):
    for name in ("a", "b", "old", "gone"):
        made = issued(owner, client, name=name)
    owner("delete", f"{CLIENTS}/{client['id']}/api-keys/{made['id']}")
    with tenancy.operator():
        ApiKey.objects.filter(name="old").update(expires_at=timezone.now() - timedelta(seconds=1))

    def names(**query):
        answer = owner("get", f"{CLIENTS}/{client['id']}/api-keys", **query).json()
        return [(key["name"], key["status"]) for key in answer["data"]]

    assert names() == [("gone", "REVOKED"), ("old", "EXPIRED"), ("b", "ACTIVE"), ("a", "ACTIVE")]
    assert names(status="ACTIVE", sortBy="name", sortOrder="asc") == [("a", "ACTIVE"), ("b", "ACTIVE")]
    assert names(status="expired") == [("old", "EXPIRED")]
    assert names(search="GON") == [("gone", "REVOKED")]
    assert names(limit=1, page=2) == [("old", "EXPIRED")]
    assert owner("get", f"{CLIENTS}/{client['id']}/api-keys", status="lost").status_code == 400


# --- Keys that issue keys ---------------------------------------------------------------


def test_a_key_hands_out_no_scope_that_it_lacks(owner, client):
    issuer = KeyCaller(issued(owner, client, scopes=["keys:write", "leads:read"])["key"])
    assert issued(issuer, client, scopes=["leads:read"])["scopes"] == ["leads:read"]
    assert issued(issuer, client)["scopes"] == ["keys:write", "leads:read"]
    refused(
        issue(issuer, client, scopes=["companies:read"]),
        403,
        reason="missing_scope",
        scopes=["companies:read"],
    )
    assert len(keys()) == 3


def test_a_repeat_shows_the_key_to_nobody_but_the_one_that_issued_it(owner, client):
    issuers = [issued(owner, client, scopes=["keys:write", "leads:read"])["key"] for _ in range(2)]
    body = {"clientId": client["id"], "name": "Server", "scopes": ["leads:read"]}

    def call(raw):
        headers = {"Authorization": f"Bearer {raw}", "Idempotency-Key": "same"}
        return Client(headers=headers).post(KEYS, json.dumps(body), content_type="application/json")

    first, again, sibling = call(issuers[0]), call(issuers[0]), call(issuers[1])
    assert (first.status_code, again.content, again["Idempotent-Replayed"]) == (201, first.content, "true")
    assert (sibling.status_code, sibling.json()["error"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert len(keys()) == 3


def test_a_clients_own_key_hands_on_what_it_is_held_to(organization):
    company = make_company(organization)
    ends = timezone.now() + timedelta(days=30)
    issuer = make_key(
        organization,
        scopes=["keys:write", "jobs:read"],
        expires_at=ends,
        company_id=company.id,
        ip_allowlist=["127.0.0.1", "203.0.113.0/24"],
        requests_per_minute=50,
        daily_quota=70,
        offer_allowlist=[company.id],
    )
    client = {"id": str(issuer.key.client_id)}
    issued(KeyCaller(issuer), client)
    made = keys()[-1]
    for term in ("company_id", "ip_allowlist", "requests_per_minute", "daily_quota", "offer_allowlist"):
        assert getattr(made, term) == getattr(keys()[0], term), term
    assert made.expires_at == ends
    later = (ends + timedelta(seconds=1)).isoformat()
    refused(issue(KeyCaller(issuer), client, expiresAt=later), 400)
    refused(issue(KeyCaller(issuer), client, rateLimitOverride=1000), 403, reason="missing_scope")
    assert not any(key.organization_wide for key in keys())
    assert len(keys()) == 2


def test_a_key_that_signs_hands_on_signing(organization):
    issuer = make_key(organization, scopes=["keys:write"], signing_mode="body")
    body = b'{"clientId": "%s", "name": "Server"}' % str(issuer.key.client_id).encode()
    signature = hmac.new(issuer.signing_secret.encode(), body, hashlib.sha256).hexdigest()
    answer = Partner(issuer)._client.post(
        KEYS,
        body,
        content_type="application/json",
        headers={"x-partner-api-key": issuer.raw, "x-partner-signature": signature},
    )
    assert answer.status_code == 201
    assert answer.json()["signingSecret"].startswith("whsec_")
    assert keys()[-1].signing_mode == "body"


def test_an_organization_key_serves_every_client_and_sets_limits(organization, client):
    terms_of = {
        "scopes": ["keys:write", "leads:read"],
        "ip_allowlist": ["127.0.0.1"],
        "organization_wide": True,
    }
    issuer = KeyCaller(make_key(organization, **terms_of))
    made = issued(issuer, client, rateLimitOverride=9, scopes=["leads:read"])
    row = keys()[-1]
    assert (row.requests_per_minute, row.ip_allowlist, row.organization_wide) == (9, [], False)
    assert str(row.client_id) == client["id"]
    assert issuer("delete", f"{CLIENTS}/{client['id']}/api-keys/{made['id']}").status_code == 204
    refused(issue(issuer, client, scopes=["companies:read"]), 403)


# --- Narrowing a client while a key is issued ---------------------------------------------


def meanwhile(act, then):
    """Run `act` in a transaction of another thread that commits half a second later, and `then` meanwhile."""

    def run():
        try:
            with transaction.atomic(), tenancy.operator():
                act()
                time.sleep(0.5)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        time.sleep(0.25)
        answer = then()
        running.result()
    return answer


def test_a_key_issued_while_its_client_is_narrowed_is_narrowed_too(owner, client):
    def act():
        client_key_issue(client_id=client["id"], name="Server", actor=ACTOR)

    path = f"{CLIENTS}/{client['id']}"
    answer = meanwhile(act, lambda: owner("put", path, {"scopes": ["leads:read"]}))
    assert answer.json()["scopes"] == ["leads:read"]
    assert [key.scopes for key in keys()] == [["leads:read"]]


def test_a_client_narrowed_while_a_key_is_issued_refuses_it(owner, client):
    def act():
        client_update(client_id=client["id"], changes={"scopes": ["leads:read"]}, actor=ACTOR)

    answer = meanwhile(act, lambda: issue(owner, client, scopes=["companies:read"]))
    refused(answer, 400, scopes=["The client does not hold: companies:read."])
    assert keys() == []


# --- Keys of the whole organization -------------------------------------------------------


def test_a_key_becomes_an_organizations_and_ceases_to_be_in_every_process(organization, owner):
    key = make_key(organization, scopes=["clients:read"])
    caller, other = KeyCaller(key), make_client(organization)

    def status():
        return caller("get", f"{CLIENTS}/{other.id}").status_code

    def change(wide):
        cached = dict(snapshots._cache)
        answer = owner("patch", f"/partner/credentials/{key.key.id}", {"organizationWide": wide})
        assert (answer.status_code, answer.json()["organizationWide"]) == (200, wide)
        snapshots._cache.update(cached)

    assert status() == 404
    change(True)
    assert status() == 200
    change(False)
    assert status() == 404


def test_rotation_widens_nothing(organization, owner):
    key = make_key(organization, scopes=["clients:read"])
    answer = owner("post", f"/partner/credentials/{key.key.id}/rotate", {"organizationWide": True})
    assert (answer.status_code, answer.json()["organizationWide"]) == (200, False)


def test_a_key_of_one_company_is_not_the_organizations(organization, owner):
    company = make_company(organization)
    body = {"name": "A", "scopes": ["leads:read"], "companyId": str(company.id), "organizationWide": True}
    refused(owner("post", "/partner/credentials", body), 400)
    assert keys() == []
    key = make_key(organization, company_id=company.id).key
    refused(owner("patch", f"/partner/credentials/{key.id}", {"organizationWide": True}), 400)
    assert not keys()[0].organization_wide


def test_the_dashboards_form_issues_and_changes_it(organization):
    user = make_member("owner", organization)
    page = browser(user)
    form = {
        "api_key_id": "01a206a8-0ac0-770d-9ae2-31e5b138ff6a",
        "organization": str(organization.id),
        "partner_name": "Back office",
        "environment": "sandbox",
        "expires_in_days": "30",
        "scopes": ["usage:read"],
        "organization_wide": "on",
    }
    assert 'name="organization_wide"' in page.get("/dashboard/keys/new").content.decode()
    assert page.post("/dashboard/keys/new", form).status_code == 200
    (key,) = keys()
    assert key.organization_wide
    assert "Every client of the organization" in page.get(f"/dashboard/keys/{key.id}").content.decode()
    change = {"partner_name": key.name, "scopes": ["usage:read"], "tier": "standard", "signing_mode": "none"}
    assert page.post(f"/dashboard/keys/{key.id}/change", change).status_code == 302
    assert not keys()[0].organization_wide
    member = browser(make_member("member", organization))
    assert member.get("/dashboard/keys/new").status_code == 403


def test_managers_keep_governing_scopes_out_of_clients_and_keys(organization, owner):
    manager = Caller(make_member("manager", organization))
    governing = sorted(set(map(str, Scope)) - set(map(str, PARTNER_SCOPES)))
    for scope in governing:
        refused(manager("post", CLIENTS, terms(scopes=[scope])), 403, reason="missing_scope", scopes=[scope])
    held = owner("post", CLIENTS, terms(scopes=[*governing, "leads:read"])).json()
    refused(issue(manager, held, scopes=["keys:write"]), 403)
    assert issued(manager, held)["scopes"] == ["leads:read"]
    made = issued(owner, held)
    path = f"{CLIENTS}/{held['id']}"
    refused(manager("put", path, {"scopes": ["leads:read"]}), 403)
    assert manager("put", path, {"description": "x"}).status_code == 200
    assert manager("delete", f"{path}/api-keys/{made['id']}").status_code == 204
