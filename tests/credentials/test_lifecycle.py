"""What a key may and may not, and that every change holds at once."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
import redis
import time_machine
from django.utils import timezone

from config import tenancy
from config.api.exceptions import ServiceUnavailable, ValidationFailed
from credentials import snapshots, store
from credentials.exceptions import KeyRevoked
from credentials.models import ApiKey, ApiKeySecret
from credentials.scopes import Scope
from credentials.services.keys import key_change_status, key_rotate
from partners.models import AuditEntry
from tests.factories import ACTOR, make_company, make_key, make_organization
from tests.partner import Partner


def change(partner, status):
    with tenancy.operator():
        key_change_status(key_id=partner.issued.key.id, status=status, actor=ACTOR)


@contextmanager
def changed_elsewhere():
    """What another process changes leaves this one's cache as it was."""
    cached = dict(snapshots._cache)
    yield
    snapshots._cache.update(cached)


def test_a_suspended_key_is_refused_at_once_and_admitted_again_when_resumed(partner):
    assert partner.get("/health").status_code == 200
    change(partner, "suspended")
    assert partner.get("/health").status_code == 401
    change(partner, "active")
    assert partner.get("/health").status_code == 200


def test_a_revoked_key_stays_revoked(partner):
    change(partner, "revoked")
    assert partner.get("/health").status_code == 401
    with pytest.raises(KeyRevoked):
        change(partner, "active")
    with pytest.raises(KeyRevoked), tenancy.operator():
        key_rotate(key_id=partner.issued.key.id, actor=ACTOR)
    assert partner.get("/health").status_code == 401


def test_another_process_hears_of_a_revocation(partner):
    """The cache of a process that made no change is stale, and the next request notices."""
    assert partner.get("/health").status_code == 200
    stale = dict(snapshots._cache)
    change(partner, "revoked")
    snapshots._cache.update(stale)
    assert partner.get("/health").status_code == 401


def test_a_crash_between_commit_and_announcement_leaves_no_live_cache(partner, monkeypatch):
    assert partner.get("/health").status_code == 200
    stale = dict(snapshots._cache)
    monkeypatch.setattr(snapshots.transaction, "on_commit", lambda *a, **k: None)
    change(partner, "revoked")
    snapshots._cache.update(stale)
    assert partner.get("/health").status_code == 401


def test_a_revocation_nobody_could_hear_of_is_not_made(partner, monkeypatch):
    def down(*args, **kwargs):
        raise redis.ConnectionError

    monkeypatch.setattr(snapshots.store, "set", down)
    with pytest.raises(ServiceUnavailable):
        change(partner, "revoked")
    with tenancy.operator():
        assert ApiKey.objects.get(id=partner.issued.key.id).status == "active"


def test_an_emptied_store_forgets_no_revocation(partner):
    assert partner.get("/health").status_code == 200
    stale = dict(snapshots._cache)
    change(partner, "revoked")
    snapshots._cache.update(stale)
    snapshots.store.flushdb()
    assert partner.get("/health").status_code == 401


def test_a_warm_key_costs_no_database_query(partner, django_assert_num_queries):
    partner.get("/health")
    with django_assert_num_queries(5) as queries:  # BEGIN, context, count, page, COMMIT
        partner.get("/companies")
    assert not [query for query in queries if "partner_api_keys" in query["sql"]]


def test_a_request_is_one_round_trip_to_the_store(partner, monkeypatch):
    partner.leads()
    sent = []
    real, direct, ahead = store.store.execute_command, store._once, store.Script.ask
    monkeypatch.setattr(store.store, "execute_command", lambda *a, **k: sent.append(a[0]) or real(*a, **k))
    monkeypatch.setattr(store, "_once", lambda command: sent.append(command[:17]) or direct(command))
    monkeypatch.setattr(store.Script, "ask", lambda *a: sent.append(a[1][:17]) or ahead(*a))
    assert partner.leads().status_code == 200
    assert [b"EVALSHA" in command for command in sent] == [True]


def test_what_was_read_for_a_key_that_has_changed_is_shown_to_nobody(partner):
    lead = partner.lead_post().json()
    assert partner.leads().json()["data"][0]["id"] == lead["id"]
    with changed_elsewhere():
        change(partner, "revoked")
    answer = partner.leads()
    assert answer.status_code == 401
    assert lead["id"] not in answer.content.decode()


def test_a_read_beyond_the_limit_is_refused_and_counted_nowhere(organization):
    partner = Partner(make_key(organization, requests_per_minute=3))
    answers = [partner.leads() for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert "data" not in answers[-1].json()


def test_a_bad_read_counts_as_a_request(organization):
    partner = Partner(make_key(organization, requests_per_minute=2))
    partner.leads()
    bad = partner.leads(limit="none")
    assert (bad.status_code, bad["X-RateLimit-Remaining"]) == (400, "0")
    assert partner.leads().status_code == 429


def test_a_read_goes_on_after_the_store_closed_its_connection(partner):
    partner.leads()
    for client in store.store.client_list():
        if client["id"] != str(store.store.client_id()):
            store.store.client_kill_filter(_id=client["id"])
    assert partner.leads().status_code == 200
    assert partner.leads().status_code == 200


def test_an_expired_key_is_refused(organization):
    partner = Partner(make_key(organization, expires_at=timezone.now() + timedelta(days=1)))
    assert partner.get("/health").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert partner.get("/health").status_code == 401


def test_rotation_ends_the_old_secret_at_once_or_after_its_grace(partner):
    key_id = partner.issued.key.id
    with tenancy.operator():
        second = key_rotate(key_id=key_id, actor=ACTOR, grace_s=3600)
    assert partner.get("/health").status_code == 200
    assert Partner(second).get("/health").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=3700)):
        assert partner.get("/health").status_code == 401
    with tenancy.operator():
        third = key_rotate(key_id=key_id, actor=ACTOR)
    assert Partner(second).get("/health").status_code == 401
    assert Partner(third).get("/health").status_code == 200


def test_rotation_widens_nothing(partner):
    with tenancy.operator():
        before = ApiKey.objects.get(id=partner.issued.key.id)
        key_rotate(key_id=before.id, actor=ACTOR)
        after = ApiKey.objects.get(id=before.id)
    for name in ("scopes", "expires_at", "ip_allowlist", "company_id", "requests_per_minute"):
        assert getattr(before, name) == getattr(after, name)


def test_only_a_keyed_hash_of_the_secret_is_stored(key):
    with tenancy.operator():
        secret = ApiKeySecret.objects.get(api_key=key.key)
        row = ApiKey.objects.filter(id=key.key.id).values().get()
    assert key.secret.encode() not in bytes(secret.hash)
    assert secret.last_four == key.secret[-4:]
    assert key.secret not in str(row)


def test_ip_allow_list_admits_listed_addresses_only(organization):
    open_to_us = Partner(make_key(organization, ip_allowlist=["127.0.0.0/8", "::1"]))
    closed = Partner(make_key(organization, ip_allowlist=["203.0.113.7"]))
    assert open_to_us.get("/health").status_code == 200
    answer = closed.get("/health")
    assert (answer.status_code, answer.json()["details"]["reason"]) == (403, "ip_not_allowed")
    spoofed = closed.get("/health", headers={"X-Forwarded-For": "203.0.113.7"})
    assert spoofed.status_code == 403


def test_only_the_trusted_proxy_is_believed(organization, settings):
    partner = Partner(make_key(organization, ip_allowlist=["203.0.113.7"]))
    settings.TRUSTED_PROXIES = 1
    seen = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    assert partner.get("/health", headers=seen).status_code == 200
    claimed = {"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}
    assert partner.get("/health", headers=claimed).status_code == 403


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["world:rule"]}, "scopes"),
        ({"ip_allowlist": ["not an address"]}, "ipAllowlist"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expiresAt"),
    ],
)
def test_a_bad_key_is_not_issued(organization, given, field):
    with pytest.raises(ValidationFailed) as refused:
        make_key(organization, **given)
    assert field in refused.value.details
    with tenancy.operator():
        assert not ApiKey.objects.filter(organization=organization).exists()


def test_a_key_cannot_be_bound_to_another_tenants_company(organization):
    theirs = make_company(make_organization())
    with pytest.raises(ValidationFailed):
        make_key(organization, company_id=theirs.id)


def test_each_act_on_a_key_is_audited_without_a_secret(partner):
    change(partner, "suspended")
    change(partner, "active")
    with tenancy.operator():
        key_rotate(key_id=partner.issued.key.id, actor=ACTOR)
    change(partner, "revoked")
    with tenancy.operator():
        entries = list(AuditEntry.objects.filter(target_id=str(partner.issued.key.id)).order_by("created_at"))
    assert [entry.action for entry in entries] == [
        "key.issued",
        "key.suspended",
        "key.resumed",
        "key.rotated",
        "key.revoked",
    ]
    assert (entries[1].before, entries[1].after) == ({"status": "active"}, {"status": "suspended"})
    assert partner.issued.secret not in str([(entry.before, entry.after) for entry in entries])


def test_a_missing_scope_is_403_and_says_which(partner_with):
    answer = partner_with(Scope.LEADS_WRITE).leads()
    assert (answer.status_code, answer.json()["error"]) == (403, "FORBIDDEN")
    assert answer.json()["details"] == {
        "reason": "missing_scope",
        "requiredScope": "leads:read",
        "retryable": False,
    }


def test_a_key_form_sent_twice_issues_one_key(organization, admin_client):
    form = {
        "api_key_id": "01a206a8-0ac0-770d-9ae2-31e5b138ff6a",
        "organization": str(organization.id),
        "partner_name": "CompanyX",
        "environment": "sandbox",
        "expires_in_days": "365",
        "requests_per_minute": "1000",
        "scopes": ["leads:read"],
    }
    answers = [admin_client.post("/dashboard/admin/partner-api/new", form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 302]
    assert answers[1]["Location"].endswith(form["api_key_id"])
    with tenancy.operator():
        assert ApiKey.objects.filter(name="CompanyX").count() == 1
