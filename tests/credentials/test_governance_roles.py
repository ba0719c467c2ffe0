"""Who may do what with which key, through the API and through the pages alike: a table of role x act."""

import pytest

from config import tenancy
from config.api.exceptions import Forbidden
from credentials.models import ApiKey
from credentials.scopes import PARTNER_SCOPES, Scope
from credentials.services.keys import key_change_status, key_issue, key_rotate, key_update
from credentials.services.signing_secrets import signing_secret_rotate
from credentials.services.suspension import client_change_status
from partners.models import AuditEntry
from partners.services.audit import Actor
from tests.factories import make_company, make_key, make_organization
from tests.people import Caller, browser, make_member

CREDENTIALS = "/partner/credentials"
GOVERNING = sorted(set(map(str, Scope)) - set(map(str, PARTNER_SCOPES)))
ROLES = ("super", "owner", "manager", "member", "outsider")


def issue(scopes):
    return "post", "", {"name": "Acme", "scopes": scopes, "environment": "production"}


# act: (call, on a key with governing scopes, what each of ROLES is answered)
TABLE = {
    "list": (("get", "", None), False, (200, 200, 200, 200, 404)),
    "read": (("get", "/{id}", None), False, (200, 200, 200, 200, 404)),
    "read a governing key": (("get", "/{id}", None), True, (200, 200, 200, 200, 404)),
    "issue": (issue(["leads:read"]), False, (201, 201, 201, 403, 404)),
    "issue all partner scopes": (issue(list(map(str, PARTNER_SCOPES))), False, (201, 201, 201, 403, 404)),
    "change": (("patch", "/{id}", {"burst": 7}), False, (200, 200, 200, 403, 404)),
    "change a governing key": (("patch", "/{id}", {"burst": 7}), True, (200, 200, 403, 403, 404)),
    "narrow a governing key": (
        ("patch", "/{id}", {"scopes": ["leads:read"]}),
        True,
        (200, 200, 403, 403, 404),
    ),
    "rotate": (("post", "/{id}/rotate", {}), False, (200, 200, 200, 403, 404)),
    "rotate a governing key": (("post", "/{id}/rotate", {}), True, (200, 200, 403, 403, 404)),
    "rotate signing": (("post", "/{id}/signing-secret/rotate", {}), False, (200, 200, 200, 403, 404)),
    "rotate signing of a governing key": (
        ("post", "/{id}/signing-secret/rotate", {}),
        True,
        (200, 200, 403, 403, 404),
    ),
    "suspend": (("patch", "/{id}/status", {"status": "suspended"}), False, (200, 200, 200, 403, 404)),
    "suspend a governing key": (
        ("patch", "/{id}/status", {"status": "suspended"}),
        True,
        (200, 200, 200, 403, 404),
    ),
    "resume a governing key": (
        ("patch", "/{id}/status", {"status": "active"}),
        True,
        (200, 200, 403, 403, 404),
    ),
    "revoke a governing key": (
        ("patch", "/{id}/status", {"status": "revoked"}),
        True,
        (200, 200, 200, 403, 404),
    ),
    "usage": (("get", "/usage/dashboard", None), False, (200, 200, 200, 200, 404)),
} | {
    f"{verb} {scope}": (
        issue([scope]) if verb == "issue" else ("patch", "/{id}", {"scopes": ["leads:read", scope]}),
        False,
        (201 if verb == "issue" else 200,) * 2 + (403, 403, 404),
    )
    for verb in ("issue", "widen to")
    for scope in GOVERNING
}


def person(role, organization):
    return (
        make_member("owner", make_organization()) if role == "outsider" else make_member(role, organization)
    )


def everything():
    """All that an act on keys could change."""
    with tenancy.operator():
        keys = list(ApiKey.objects.order_by("id").values())
        return keys, AuditEntry.objects.filter(action__startswith="key.").count()


@pytest.mark.parametrize("act", TABLE)
def test_a_role_may_do_what_the_table_says_and_a_refusal_changes_nothing(organization, act):
    (method, tail, body), governing, answers = TABLE[act]
    for role, expected in zip(ROLES, answers, strict=True):
        caller = Caller(person(role, organization))
        scopes = ["leads:read", *GOVERNING] if governing else ["leads:read"]
        key = make_key(organization, scopes=scopes, signing_mode="body").key
        before = everything()
        named = {"organizationId": str(organization.id)}
        path = CREDENTIALS + tail.format(id=key.id)
        answer = caller(method, path, None if body is None else body | named, **named)
        assert answer.status_code == expected, (role, answer.content)
        if expected >= 400:
            assert everything() == before, role
            assert answer.json()["error"] == {403: "FORBIDDEN", 404: "NOT_FOUND"}[expected]


@pytest.mark.parametrize("role", ["manager", "member", "nobody known"])
def test_the_services_hold_the_rule_whichever_door_asks(organization, role):
    actor = Actor("someone", role=role)
    key = make_key(organization, scopes=GOVERNING, signing_mode="body").key
    before = everything()
    for act in (
        lambda: key_issue(
            organization_id=organization.id, environment="sandbox", name="A", scopes=GOVERNING, actor=actor
        ),
        lambda: key_update(key_id=key.id, changes={"burst": 3}, actor=actor),
        lambda: key_rotate(key_id=key.id, actor=actor),
        lambda: signing_secret_rotate(key_id=key.id, actor=actor),
        lambda: key_change_status(key_id=key.id, status="active", actor=actor),
        lambda: client_change_status(client_id=key.client_id, status="ACTIVE", actor=actor),
    ):
        with pytest.raises(Forbidden), tenancy.operator():
            act()
    assert everything() == before


# page: what each of ROLES is answered; an outsider looks from another organization
PAGES = {
    "": (200, 200, 200, 200, 200),
    "/new": (200, 200, 200, 403, 200),
    "/{id}": (200, 200, 200, 200, 404),
    "/{id}/change": (200, 200, 200, 403, 404),
    "/{id}/rotate": (200, 200, 200, 403, 404),
    "/{id}/signing-secret/rotate": (200, 200, 200, 403, 404),
    "/{id}/suspend": (302, 302, 302, 403, 404),
    "/{id}/resume": (302, 302, 302, 403, 404),
    "/{id}/revoke": (302, 302, 302, 403, 404),
}
POSTED = {"rotate": {"grace_seconds": "0"}, "revoke": {"confirm": "Acme"}, "suspend": {}, "resume": {}}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_admits_by_role_and_shows_nothing_of_another_organization(organization, page):
    for role, expected in zip(ROLES, PAGES[page], strict=True):
        user = person(role, organization)
        key = make_key(organization, name="Acme", scopes=["leads:read"], signing_mode="body").key
        before = everything()
        client, path = browser(user), "/dashboard/keys" + page.format(id=key.id)
        act = page.rpartition("/")[2]
        answer = client.post(path, POSTED[act]) if act in POSTED else client.get(path)
        assert answer.status_code == expected, role
        if expected >= 400:
            assert everything() == before, role
        if role == "outsider":
            assert key.key_id not in answer.content.decode()
        hub = "/dashboard/admin/partner-api" + page.format(id=key.id)
        answer = client.post(hub, POSTED[act]) if act in POSTED else client.get(hub)
        assert answer.status_code == (expected if role == "super" else 403), role


def form_of(organization, **given):
    return {
        "api_key_id": "01a206a8-0ac0-770d-9ae2-31e5b138ff6a",
        "organization": str(organization.id),
        "partner_name": "CompanyX",
        "environment": "production",
        "expires_in_days": "365",
        "requests_per_minute": "1000",
        "scopes": ["leads:read"],
    } | given


def test_an_owner_issues_in_the_dashboard_for_their_organization_only(organization):
    owner, theirs = make_member("owner", organization), make_organization()
    client = browser(owner)
    company = make_company(theirs, environment="production")
    before = everything()
    for form in (form_of(theirs), form_of(organization, company=str(company.id))):
        assert client.post("/dashboard/keys/new", form).status_code == 404
    assert everything() == before
    answer = client.post("/dashboard/keys/new", form_of(organization))
    assert answer.status_code == 200
    with tenancy.operator():
        key = ApiKey.objects.get()
    assert (key.organization_id, key.created_by) == (organization.id, owner.email)
    assert client.get(f"/dashboard/keys/{key.id}").status_code == 200


def test_a_managers_form_does_not_offer_governing_scopes(organization):
    client = browser(make_member("manager", organization))
    html = client.get("/dashboard/keys/new").content.decode()
    assert 'value="leads:read"' in html
    assert not [scope for scope in GOVERNING if f'value="{scope}"' in html]
    answer = client.post("/dashboard/keys/new", form_of(organization, scopes=["keys:write"]))
    assert answer.status_code == 422
    assert everything() == ([], 0)
    key = make_key(organization, scopes=GOVERNING).key
    page = client.get(f"/dashboard/keys/{key.id}").content.decode()
    assert ("Rotate secret" in page, "Suspend" in page) == (False, True)
    assert client.get(f"/dashboard/keys/{key.id}/change").status_code == 403


def test_pages_of_members_run_in_their_tenants_context(organization, monkeypatch):
    opened = []
    real = tenancy.tenant
    monkeypatch.setattr(tenancy, "tenant", lambda *given: opened.append(given) or real(*given))
    browser(make_member("member", organization)).get("/dashboard/keys")
    assert opened == [(organization.id,)]
