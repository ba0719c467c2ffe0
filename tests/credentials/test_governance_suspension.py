"""Suspending a whole organization or a partner stops all its keys in every process at once."""

import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import connection, transaction

from config import tenancy
from config.api.exceptions import ServiceUnavailable
from credentials import snapshots
from credentials.models import ApiKey
from credentials.services.keys import key_issue
from credentials.services.suspension import client_change_status, organization_change_status
from partners.exceptions import OrganizationSuspended
from partners.models import ApiClient, AuditEntry, Organization
from tests.factories import ACTOR, make_key, make_organization
from tests.partner import BASE, Partner
from tests.people import Caller, browser, make_member
from tests.processes import Web


def suspend_organization(organization, status="suspended"):
    with tenancy.operator():
        organization_change_status(organization_id=organization.id, status=status, actor=ACTOR)


def suspend_client(key, status="SUSPENDED"):
    with tenancy.operator():
        client_change_status(client_id=key.key.client_id, status=status, actor=ACTOR)


def health(*partners):
    return [partner.get("/health").status_code for partner in partners]


def test_an_organizations_keys_stop_and_start_in_processes_that_had_cached_them(organization):
    mine = [Partner(make_key(organization)) for _ in range(3)]
    theirs = Partner(make_key())
    assert health(*mine, theirs) == [200] * 4
    cached = dict(snapshots._cache)
    suspend_organization(organization)
    snapshots._cache.update(cached)
    assert health(*mine, theirs) == [401, 401, 401, 200]
    cached = dict(snapshots._cache)
    suspend_organization(organization, "active")
    snapshots._cache.update(cached)
    assert health(*mine, theirs) == [200] * 4


def test_a_partners_keys_stop_and_start_alone(organization):
    first, second = make_key(organization, name="Acme"), make_key(organization, name="Acme")
    other = make_key(organization, name="Globex")
    partners = [Partner(key) for key in (first, second, other)]
    assert health(*partners) == [200] * 3
    cached = dict(snapshots._cache)
    suspend_client(first)
    snapshots._cache.update(cached)
    assert health(*partners) == [401, 401, 200]
    suspend_client(first, "ACTIVE")
    assert health(*partners) == [200] * 3


def test_a_revoked_key_stays_revoked_when_its_organization_resumes(organization):
    key = make_key(organization)
    with tenancy.operator():
        ApiKey.objects.filter(id=key.key.id).update(status="revoked")
    suspend_organization(organization)
    suspend_organization(organization, "active")
    assert health(Partner(key)) == [401]


def test_each_act_is_audited_once_with_before_and_after(organization):
    key = make_key(organization)
    suspend_organization(organization)
    suspend_organization(organization)
    suspend_organization(organization, "active")
    suspend_client(key)
    with tenancy.operator():
        entries = AuditEntry.objects.filter(organization=organization).order_by("sequence")
        acts = [(entry.action, entry.before, entry.after) for entry in entries][2:]
    assert acts == [
        ("organization.suspended", {"status": "active"}, {"status": "suspended"}),
        ("organization.resumed", {"status": "suspended"}, {"status": "active"}),
        ("client.suspended", {"status": "ACTIVE"}, {"status": "SUSPENDED"}),
    ]


def test_a_suspension_nobody_could_hear_of_is_not_made(organization, monkeypatch):
    partner = Partner(make_key(organization))

    def down(*args, **kwargs):
        raise redis.ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(snapshots.store, "set", down)
        with pytest.raises(ServiceUnavailable):
            suspend_organization(organization)
    with tenancy.operator():
        assert Organization.objects.get(id=organization.id).status == "active"
    assert health(partner) == [200]


def test_a_suspended_organization_gets_no_new_key(organization):
    suspend_organization(organization)
    with pytest.raises(OrganizationSuspended):
        make_key(organization)
    owner = Caller(make_member("owner", organization))
    body = {"organizationId": str(organization.id), "name": "A", "scopes": ["leads:read"]}
    assert owner("post", "/partner/credentials", body).status_code == 409
    with tenancy.operator():
        assert not ApiKey.objects.exists()


def test_a_key_issued_meanwhile_is_stopped_too(organization):
    """The suspension waits for an issuing under way, and then finds its key."""
    make_key(organization, name="Acme")
    issued = []

    def issue():
        try:
            with transaction.atomic(), tenancy.operator():
                issued.append(
                    key_issue(
                        organization_id=organization.id,
                        environment="sandbox",
                        name="Acme",
                        scopes=["leads:read"],
                        actor=ACTOR,
                    )
                )
                with connection.cursor() as cursor:  # what the commit will check, checked now
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                time.sleep(0.5)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(issue)
        time.sleep(0.25)
        suspend_organization(organization)
        running.result()
    with tenancy.operator():
        assert set(ApiKey.objects.values_list("version", flat=True)) == {2}
    assert health(Partner(issued[0])) == [401]


def test_another_process_refuses_within_a_second(organization):
    key = make_key(organization)

    def status(web):
        request = urllib.request.Request(f"{web.url}{BASE}/health", headers={"x-partner-api-key": key.raw})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    with Web() as web:
        assert status(web) == 200
        suspend_organization(organization)
        assert status(web) == 401
        suspend_organization(organization, "active")
        assert status(web) == 200


# --- The same through the pages ----------------------------------------------------


def test_super_admins_suspend_an_organization_by_its_name(organization):
    partner, client = Partner(make_key(organization)), browser(make_member("super"))
    path = f"/dashboard/organizations/{organization.id}/status"
    client.post(path, {"status": "suspended", "confirm": "something else"})
    assert health(partner) == [200]
    client.post(path, {"status": "suspended", "confirm": organization.name})
    assert health(partner) == [401]
    assert client.post(path, {"status": "asleep"}).status_code == 404
    client.post(path, {"status": "active"})
    assert health(partner) == [200]


@pytest.mark.parametrize("role", ["owner", "manager", "member"])
def test_others_suspend_no_organization(organization, role):
    path = f"/dashboard/organizations/{organization.id}/status"
    body = {"status": "suspended", "confirm": organization.name}
    assert browser(make_member(role, organization)).post(path, body).status_code == 403
    with tenancy.operator():
        assert Organization.objects.get(id=organization.id).status == "active"


def test_governors_suspend_their_own_partners_only(organization):
    key = make_key(organization)
    partner = Partner(key)

    def post(client, organization, status="SUSPENDED"):
        path = f"/dashboard/organizations/{organization.id}/clients/{key.key.client_id}/status"
        return client.post(path, {"status": status}).status_code

    other = make_organization()
    outsider = browser(make_member("owner", other))
    assert [post(outsider, organization), post(outsider, other)] == [404, 404]
    assert post(browser(make_member("member", organization)), organization) == 403
    assert health(partner) == [200]
    manager = browser(make_member("manager", organization))
    assert (post(manager, organization), health(partner)) == (302, [401])
    assert (post(manager, organization, "ACTIVE"), health(partner)) == (302, [200])
    with tenancy.operator():
        assert ApiClient.objects.get(id=key.key.client_id).status == "ACTIVE"
