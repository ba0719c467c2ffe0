"""PATCH /partner/credentials/:id, signing secrets and the terms of a key."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
import redis
import time_machine
from django.db import connection
from django.utils import timezone

from config import tenancy
from credentials import snapshots
from credentials.limits import Limits
from credentials.models import ApiKey
from partners.models import AuditEntry
from tests.factories import make_company, make_key
from tests.partner import Partner
from tests.people import Caller, browser, make_member

CREDENTIALS = "/partner/credentials"
OFFER, BRAND = "01a206a8-0ac0-770d-9ae2-31e5b138ff6a", "01a206a8-0ac0-770d-9ae2-31e5b138ff6b"


@pytest.fixture
def owner(organization):
    return Caller(make_member("owner", organization))


@pytest.fixture
def change(owner, key):
    def patch(**body):
        return owner("patch", f"{CREDENTIALS}/{key.key.id}", body)

    return patch


def row(key):
    with tenancy.operator():
        return ApiKey.objects.get(id=key.key.id)


def audit(key, action):
    with tenancy.operator():
        return list(AuditEntry.objects.filter(target_id=str(key.key.id), action=action))


def test_each_term_can_be_changed_and_only_what_changed_is_audited(change, key):
    expires_at = (timezone.now() + timedelta(days=30)).replace(microsecond=0)
    terms = {
        "name": "Renamed",
        "scopes": ["leads:read"],
        "tier": "premium",
        "requestsPerMinute": 77,
        "burst": 99,
        "dailyQuota": 1234,
        "ipAllowlist": ["127.0.0.0/8"],
        "offerAllowlist": [OFFER],
        "brandAllowlist": [BRAND],
        "expiresAt": expires_at.isoformat().replace("+00:00", "Z"),
    }
    answer = change(**terms)
    assert answer.status_code == 200, answer.content
    assert {name: answer.json()[name] for name in terms} == terms
    assert answer.json()["signingSecret"] == ""
    snapshot = snapshots.snapshot_load(key.key.key_id)
    assert snapshot.limits == Limits(77, 0, 1234, 99)
    assert (snapshot.scopes, snapshot.name) == ({"leads:read"}, "Renamed")
    assert [str(one) for one in (*snapshot.offer_allowlist, *snapshot.brand_allowlist)] == [OFFER, BRAND]
    (entry,) = audit(key, "key.changed")
    assert set(entry.before) == set(entry.after) == {
        "name", "scopes", "tier", "requests_per_minute", "burst", "daily_quota", "ip_allowlist",
        "offer_allowlist", "brand_allowlist", "expires_at",
    }  # fmt: skip
    change(burst=100)
    entry = audit(key, "key.changed")[0]
    assert (entry.before, entry.after) == ({"burst": 99}, {"burst": 100})
    assert entry.ip == "127.0.0.1"


def test_null_lifts_the_numbers_and_the_expiry(change, key):
    change(requestsPerMinute=5, burst=5, dailyQuota=5, expiresAt="2999-01-01T00:00:00Z")
    answer = change(requestsPerMinute=None, burst=None, dailyQuota=None, expiresAt=None)
    assert answer.status_code == 200
    assert [answer.json()[name] for name in ("requestsPerMinute", "burst", "dailyQuota", "expiresAt")] == [
        None
    ] * 4
    # every partner scope is held, the catalogue's among them
    assert snapshots.snapshot_load(key.key.key_id).limits == Limits(300, 0, 0, 1000)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"tier": "platinum"}, "tier"),
        ({"requestsPerMinute": 0}, "requestsPerMinute"),
        ({"burst": 0}, "burst"),
        ({"dailyQuota": -1}, "dailyQuota"),
        ({"ipAllowlist": ["10.0.0.0/33"]}, "ipAllowlist"),
        ({"offerAllowlist": ["offer-1"]}, "offerAllowlist"),
        ({"brandAllowlist": [7]}, "brandAllowlist"),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
        ({"signingMode": "psychic"}, "signingMode"),
        ({"requireSigning": False, "signingMode": "body"}, "requireSigning"),
        ({"requireSigning": True, "signingMode": "none"}, "requireSigning"),
        ({"environment": "production"}, "environment"),
        ({"companyId": None}, "companyId"),
        ({"status": "revoked"}, "status"),
    ],
)
def test_a_bad_change_is_400_and_changes_nothing(change, key, body, field):
    before = row(key)
    answer = change(**{"burst": 12} | body)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert field in answer.json()["details"]
    after = row(key)
    assert (after.version, after.burst, after.name) == (before.version, before.burst, before.name)
    assert audit(key, "key.changed") == []


def test_a_revoked_key_cannot_be_changed(owner, change, key):
    owner("patch", f"{CREDENTIALS}/{key.key.id}/status", {"status": "revoked"})
    for answer in (
        change(name="Alive"),
        owner("post", f"{CREDENTIALS}/{key.key.id}/signing-secret/rotate", {}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (409, "INVALID_TRANSITION")
    assert row(key).name == key.key.name


def test_the_present_terms_change_nothing(change, key):
    before = row(key)
    assert change(name=before.name, scopes=before.scopes, requireSigning=False).status_code == 200
    assert change().status_code == 200
    assert row(key).version == before.version
    assert audit(key, "key.changed") == []


def test_a_change_holds_in_a_process_that_had_cached_the_key(change, partner):
    assert partner.leads().status_code == 200
    stale = dict(snapshots._cache)
    change(scopes=["leads:write"])
    snapshots._cache.update(stale)
    assert partner.leads().json()["details"]["reason"] == "missing_scope"
    change(scopes=["leads:read"], ipAllowlist=["203.0.113.7"])
    assert partner.leads().json()["details"]["reason"] == "ip_not_allowed"


def test_a_change_that_cannot_be_told_is_not_made(change, key, monkeypatch):
    def down(*args, **kwargs):
        raise redis.ConnectionError

    monkeypatch.setattr(snapshots.store, "set", down)
    assert change(name="Unheard").status_code == 503
    assert row(key).name != "Unheard"


def test_one_credential_is_read_without_its_secret(owner, key):
    answer = owner("get", f"{CREDENTIALS}/{key.key.id}")
    assert (answer.status_code, answer.json()["keyId"]) == (200, key.key.key_id)
    assert key.secret not in answer.content.decode()
    assert owner("get", f"{CREDENTIALS}/{OFFER}").status_code == 404


def test_issuing_takes_every_term(owner, organization):
    company = make_company(organization)
    body = {
        "organizationId": str(organization.id),
        "name": "Acme",
        "scopes": ["offers:read"],
        "tier": "enterprise",
        "burst": 50,
        "dailyQuota": 9,
        "companyId": str(company.id),
        "offerAllowlist": [OFFER],
        "brandAllowlist": [BRAND],
    }
    answer = owner("post", CREDENTIALS, body)
    assert answer.status_code == 201, answer.content
    assert {name: answer.json()[name] for name in body} == body
    assert answer.json()["requestsPerMinute"] is None
    assert snapshots.snapshot_load(answer.json()["keyId"]).limits == Limits(300, 0, 9, 50)
    refused = owner("post", CREDENTIALS, body | {"companyId": OFFER})
    assert (refused.status_code, next(iter(refused.json()["details"]))) == (400, "companyId")


def test_limits_follow_the_tier_unless_the_key_has_its_own(owner, organization):
    def limits(**given):
        body = {"organizationId": str(organization.id), "name": "A", "scopes": ["leads:read"]} | given
        return snapshots.snapshot_load(owner("post", CREDENTIALS, body).json()["keyId"]).limits

    assert limits() == Limits(120, 5_000, 50_000, 0)
    assert limits(tier="basic") == Limits(60, 1_000, 10_000, 0)
    assert limits(tier="premium", dailyQuota=7) == Limits(300, 15_000, 7, 0)
    assert limits(requestsPerMinute=5) == Limits(5, 0, 0, 0)
    assert limits(scopes=["links:write"]) == Limits(300, 0, 0, 1000)
    assert limits(scopes=["links:write"], requestsPerMinute=5) == Limits(5, 0, 0, 0)


# --- Signing secrets ------------------------------------------------------------


def signed(partner, secret):
    signature = hmac.new(secret.encode(), b"", hashlib.sha256).hexdigest()
    return partner.get("/health", headers={"x-partner-signature": signature}).status_code


def test_turning_signing_on_shows_its_secret_once(change, partner):
    answer = change(requireSigning=True)
    secret = answer.json()["signingSecret"]
    assert (answer.json()["signingMode"], secret[:6]) == ("body", "whsec_")
    assert partner.get("/health").status_code == 401
    assert signed(partner, secret) == 200
    assert change(requireSigning=True).json()["signingSecret"] == ""
    # the mode changes, the secret stays
    assert change(signingMode="timestamped").json()["signingSecret"] == ""
    assert change(signingMode="body").json()["signingSecret"] == ""
    assert signed(partner, secret) == 200
    assert change(requireSigning=False).json()["requireSigning"] is False
    assert partner.get("/health").status_code == 200
    assert change(requireSigning=True).json()["signingSecret"] not in ("", secret)


def test_both_signing_secrets_verify_until_the_old_one_ends(owner, organization):
    issued = make_key(organization, signing_mode="body")
    partner, path = Partner(issued), f"{CREDENTIALS}/{issued.key.id}/signing-secret/rotate"
    assert signed(partner, issued.signing_secret) == 200
    stale = dict(snapshots._cache)
    answer = owner("post", path, {"graceSeconds": 3600})
    assert answer.status_code == 200, answer.content
    second = answer.json()["signingSecret"]
    ends_at = answer.json()["oldSigningSecretEndsAt"]
    assert ends_at > timezone.now().isoformat()
    snapshots._cache.update(stale)
    assert [signed(partner, secret) for secret in (issued.signing_secret, second)] == [200, 200]
    assert signed(partner, "whsec_wrong") == 401
    with time_machine.travel(timezone.now() + timedelta(seconds=3700)):
        assert [signed(partner, secret) for secret in (issued.signing_secret, second)] == [401, 200]
    third = owner("post", path, {}).json()["signingSecret"]
    statuses = [signed(partner, secret) for secret in (issued.signing_secret, second, third)]
    assert statuses == [401, 401, 200]


def test_rotating_the_signing_secret_widens_nothing_and_audits_no_secret(owner, organization):
    issued = make_key(organization, signing_mode="timestamped", expires_at=timezone.now() + timedelta(days=1))
    before = row(issued)
    answer = owner("post", f"{CREDENTIALS}/{issued.key.id}/signing-secret/rotate", {"graceSeconds": 60})
    after = row(issued)
    for name in ("scopes", "expires_at", "ip_allowlist", "company_id", "signing_mode", "status"):
        assert getattr(before, name) == getattr(after, name)
    (entry,) = audit(issued, "key.signing_secret_rotated")
    said = json.dumps([entry.before, entry.after])
    assert "old_secret_ends_at" in said
    assert answer.json()["signingSecret"] not in said
    with connection.cursor() as cursor, tenancy.operator():
        cursor.execute("SELECT partner_api_keys::text FROM partner_api_keys")
        stored = cursor.fetchone()[0]
    assert answer.json()["signingSecret"].encode().hex() not in stored


def test_a_key_that_signs_nothing_has_no_signing_secret_to_rotate(owner, key):
    answer = owner("post", f"{CREDENTIALS}/{key.key.id}/signing-secret/rotate", {})
    assert (answer.status_code, answer.json()["error"]) == (409, "CONFLICT")
    assert row(key).version == 1


# --- The same in the dashboard ----------------------------------------------------


def terms_form(key, **given):
    return {
        "partner_name": key.key.name,
        "scopes": key.key.scopes,
        "requests_per_minute": "1000",
        "tier": "standard",
        "signing_mode": key.key.signing_mode,
    } | given


def test_a_key_is_edited_in_the_dashboard(organization, key):
    client = browser(make_member("manager", organization))
    path = f"/dashboard/keys/{key.key.id}/change"
    assert f'value="{key.key.name}"' in client.get(path).content.decode()
    given = {"partner_name": "Renamed", "ip_allowlist": "127.0.0.1\n::1", "expires_at": "2999-01-02T03:04"}
    answer = client.post(path, terms_form(key, **given))
    assert (answer.status_code, answer["Location"]) == (302, f"/dashboard/keys/{key.key.id}")
    after = row(key)
    assert (after.name, after.ip_allowlist) == ("Renamed", ["127.0.0.1/32", "::1/128"])
    assert after.expires_at.isoformat() == "2999-01-02T03:04:00+00:00"
    (entry,) = audit(key, "key.changed")
    assert set(entry.after) == {"name", "ip_allowlist", "expires_at"}
    bad = client.post(path, terms_form(key, offer_allowlist="not an id"))
    assert (bad.status_code, row(key).version) == (422, after.version)


def test_an_unchanged_form_changes_nothing(organization):
    key = make_key(organization, expires_at=timezone.now() + timedelta(days=9), offer_allowlist=[OFFER])
    client = browser(make_member("owner", organization))
    path = f"/dashboard/keys/{key.key.id}/change"
    form = client.get(path).context["form"]
    same = {name: form[name].value() for name in form.fields}
    same["expires_at"] = same["expires_at"].strftime("%Y-%m-%dT%H:%M:%S")
    posted = {name: "" if value is None else value for name, value in same.items()}
    assert client.post(path, posted).status_code == 302
    assert row(key).version == 1


def test_signing_secrets_are_shown_once_in_the_dashboard(organization, key):
    client, partner = browser(make_member("owner", organization)), Partner(key)
    answer = client.post(f"/dashboard/keys/{key.key.id}/change", terms_form(key, signing_mode="body"))
    first = answer.context["signing_secret"]
    assert signed(partner, first) == 200
    path = f"/dashboard/keys/{key.key.id}/signing-secret/rotate"
    assert client.post(path, {"grace_seconds": "12"}).status_code == 302
    answer = client.post(path, {"grace_seconds": "3600"})
    second = answer.context["signing_secret"]
    assert [signed(partner, secret) for secret in (first, second)] == [200, 200]
    html = client.get(f"/dashboard/keys/{key.key.id}").content.decode()
    assert "Old secret" in html
    assert second not in html
    assert answer["Cache-Control"].count("no-store") == 1
