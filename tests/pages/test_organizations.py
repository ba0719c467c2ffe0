"""Pages of organizations and members, and what people see who are no super-admins."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from config import tenancy
from partners.exceptions import LastOwner
from partners.models import AuditEntry, Membership, Organization, User
from partners.services.organizations import member_change_role, member_remove
from tests.factories import ACTOR, make_company, make_key, make_organization, make_user
from tests.pages.test_content_policy import check
from tests.partner import Partner
from tests.people import browser, make_member

LIST = "/dashboard/organizations"


def members(organization):
    with tenancy.operator():
        rows = Membership.objects.filter(organization=organization).select_related("user")
        return {row.user.email: row.role for row in rows}


def membership_id(organization, user):
    with tenancy.operator():
        return Membership.objects.get(organization=organization, user=user).id


def actions(organization):
    with tenancy.operator():
        return list(
            AuditEntry.objects.filter(organization=organization)
            .order_by("sequence")
            .values_list("action", flat=True)
        )


# --- Organizations -----------------------------------------------------------------


def test_a_super_admin_creates_an_organization(admin_client):
    given = {"region": "DE", "time_zone": "Europe/Berlin"}
    answer = admin_client.post(f"{LIST}/new", given | {"name": "Acme Ltd", "slug": ""})
    with tenancy.operator():
        organization = Organization.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}/{organization.id}")
    assert (organization.slug, organization.region, organization.time_zone) == (
        "acme-ltd", "DE", "Europe/Berlin",
    )  # fmt: skip
    assert actions(organization) == ["organization.created"]
    again = admin_client.post(f"{LIST}/new", given | {"name": "Acme Ltd", "slug": "acme-ltd"})
    assert again.status_code == 422
    assert "short name" in again.content.decode()
    for bad in ({"name": ""}, {"region": "Germany"}, {"slug": "no spaces"}, {"time_zone": "Mars"}):
        assert admin_client.post(f"{LIST}/new", given | {"name": "B"} | bad).status_code == 422
    with tenancy.operator():
        assert Organization.objects.count() == 1


@pytest.mark.parametrize("role", ["owner", "manager", "member"])
def test_others_neither_list_nor_create_organizations(organization, role):
    client = browser(make_member(role, organization))
    assert client.get(LIST).status_code == 403
    assert client.post(f"{LIST}/new", {"name": "B", "region": "DE"}).status_code == 403
    assert client.get(f"{LIST}/{organization.id}").status_code == 200
    assert client.get(f"{LIST}/{make_organization().id}").status_code == 404
    with tenancy.operator():
        assert Organization.objects.count() == 2


def test_the_list_finds_by_name_and_status(admin_client):
    make_key(make_organization(name="Acme"))
    make_organization(name="Globex")
    html = admin_client.get(LIST, {"q": "acm"}).content.decode()
    assert ("Acme" in html, "Globex" in html) == (True, False)
    assert "Acme" not in admin_client.get(LIST, {"status": "suspended"}).content.decode()


# --- Members -----------------------------------------------------------------------


def test_an_owner_adds_changes_and_removes_a_member(organization):
    owner, other = make_member("owner", organization), make_user().user
    client, page = browser(owner), f"{LIST}/{organization.id}/members"
    assert client.post(page, {"email": other.email.upper(), "role": "member"}).status_code == 302
    assert members(organization) == {owner.email: "owner", other.email: "member"}
    row = f"{page}/{membership_id(organization, other)}"
    assert client.post(f"{row}/role", {"role": "manager"}).status_code == 302
    assert members(organization)[other.email] == "manager"
    assert client.post(f"{row}/role", {"role": "emperor"}).status_code == 404
    assert client.post(f"{row}/remove").status_code == 302
    assert members(organization) == {owner.email: "owner"}
    assert client.post(f"{row}/remove").status_code == 404
    assert actions(organization)[2:] == ["member.added", "member.role_changed", "member.removed"]
    with tenancy.operator():
        entry = AuditEntry.objects.get(action="member.role_changed")
    assert (entry.actor, entry.before, entry.after) == (owner.email, {"role": "member"}, {"role": "manager"})


@pytest.mark.parametrize("role", ["manager", "member", "outsider"])
def test_only_owners_say_who_belongs(organization, role):
    owner, guest = make_member("owner", organization), make_user().user
    if role == "outsider":
        client, status = browser(make_member("owner", make_organization())), 404
    else:
        client, status = browser(make_member(role, organization)), 403
    before = members(organization)
    page, row = f"{LIST}/{organization.id}/members", membership_id(organization, owner)
    for path, body in (
        (page, {"email": guest.email, "role": "owner"}),
        (f"{page}/{row}/role", {"role": "member"}),
        (f"{page}/{row}/remove", {}),
    ):
        assert client.post(path, body).status_code == status
    assert members(organization) == before


def test_a_member_of_another_organization_is_not_reached_through_ones_own(organization):
    other = make_organization()
    victim = make_member("manager", other)
    client = browser(make_member("owner", organization))
    row = membership_id(other, victim)
    assert client.post(f"{LIST}/{organization.id}/members/{row}/remove").status_code == 404
    assert client.post(f"{LIST}/{other.id}/members/{row}/remove").status_code == 404
    assert members(other) == {victim.email: "manager"}


def test_the_last_owner_stays(organization, admin_client):
    owner = make_member("owner", organization)
    row = f"{LIST}/{organization.id}/members/{membership_id(organization, owner)}"
    for client in (browser(owner), admin_client):
        for path, body in ((f"{row}/remove", {}), (f"{row}/role", {"role": "member"})):
            page = client.post(path, body, follow=True).content.decode()
            assert "last owner" in page
        client.post(f"{LIST}/{organization.id}/members", {"email": owner.email, "role": "member"})
    assert members(organization) == {owner.email: "owner"}


def test_two_owners_cannot_remove_each_other(organization):
    owners = [make_member("owner", organization) for _ in range(2)]
    ids = [membership_id(organization, owner) for owner in owners]
    refused = []

    def leave(index):
        try:
            with tenancy.operator():
                if index:
                    member_remove(organization=organization, membership_id=ids[0], actor=ACTOR)
                else:
                    member_change_role(
                        organization=organization, membership_id=ids[1], role="member", actor=ACTOR
                    )
        except LastOwner:
            refused.append(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(leave, range(2)))
    assert len(refused) == 1
    assert list(members(organization).values()).count("owner") == 1


def test_an_owner_makes_no_account(organization):
    client = browser(make_member("owner", organization))
    answer = client.post(f"{LIST}/{organization.id}/members", {"email": "new@a.example", "role": "member"})
    assert answer.status_code == 422
    assert "account" in answer.content.decode()
    assert not User.objects.filter(email="new@a.example").exists()


def test_a_super_admin_makes_an_account_and_passes_its_link_on(organization, admin_client):
    body = {"email": "New@A.example", "role": "owner", "full_name": "Noa New"}
    answer = admin_client.post(f"{LIST}/{organization.id}/members", body)
    html = answer.content.decode()
    check(html)
    link = re.search(r"http://testserver(/accounts/[^<\s]+)", html).group(1)
    assert "no-store" in answer["Cache-Control"]
    guest = Client()
    form = guest.get(link, follow=True)
    chosen = {"password1": "a long passphrase 7", "password2": "a long passphrase 7"}
    guest.post(form.redirect_chain[-1][0], chosen)
    assert guest.post("/accounts/login/", {"login": "new@a.example", "password": chosen["password1"]})[
        "Location"
    ] == reverse("dashboard-home")
    assert guest.get("/dashboard/keys").status_code == 200
    assert members(organization) == {"new@a.example": "owner"}
    spent = Client().get(link, follow=True).content.decode()
    assert "password1" not in spent


# --- What people see who are no super-admins ------------------------------------------


def test_a_members_overview_leads_to_their_organization(organization):
    key = make_key(organization)
    make_key(make_organization(), name="Foreign Partner")
    client = browser(make_member("member", organization))
    answer = client.get("/dashboard/")
    html = answer.content.decode()
    check(html)
    assert organization.name in html
    assert key.key.name in html
    assert "Foreign Partner" not in html
    urls = [item["url"] for item in answer.context["nav"]]
    assert f"{LIST}/{organization.id}" in urls
    assert {client.get(url).status_code for url in urls} == {200}
    assert "New key" not in html


def test_people_without_an_organization_are_told_so():
    client = browser(make_user().user)
    answer = client.get("/dashboard/")
    assert (answer.status_code, [item["url"] for item in answer.context["nav"]]) == (200, ["/dashboard/"])
    for path in ("/dashboard/keys", "/dashboard/audit", "/dashboard/audit/download"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize("name", ["keys-list", "keys-create", "dashboard-audit", "dashboard-home"])
def test_an_owners_page_renders_under_the_policy(organization, name):
    make_key(organization)
    make_company(organization)
    html = browser(make_member("owner", organization)).get(reverse(name)).content.decode()
    check(html)
    assert html.count('aria-current="page"') == 1


@pytest.mark.parametrize("role", ["super", "owner", "manager", "member"])
def test_a_keys_and_an_organizations_page_render_for_every_role(organization, role):
    key = make_key(organization, name="<b>Bold</b>", signing_mode="body")
    client = browser(make_member(role, organization))
    for path in (f"/dashboard/keys/{key.key.id}", f"{LIST}/{organization.id}"):
        html = client.get(path).content.decode()
        check(html)
        assert "<b>Bold</b>" not in html
        assert ('method="post" action="/dashboard' in html) == (role != "member"), path


def test_the_audit_trail_is_ones_organizations_own(organization):
    make_key(organization, name="Ours")
    make_key(make_organization(), name="Theirs")
    client = browser(make_member("member", organization))
    page = client.get("/dashboard/audit").content.decode()
    files = [client.get("/dashboard/audit/download", {"format": f}).content.decode() for f in ("", "jsonl")]
    for text in (page, *files):
        assert ("Ours" in text, "Theirs" in text) == (True, False)


def test_one_of_several_organizations_is_chosen_and_the_others_are_out_of_sight():
    first, second = make_organization(name="Alpha"), make_organization(name="Beta")
    keys = {organization.name: make_key(organization).key for organization in (first, second)}
    user = make_member("owner", first)
    make_organization(name="Gamma")
    client = browser(user)
    assert "Switch organization" not in client.get("/dashboard/").content.decode()
    assert client.post("/dashboard/organization", {"organization": str(second.id)}).status_code == 404
    from_second = browser(make_member("member", first, second))
    assert from_second.get(f"/dashboard/keys/{keys['Alpha'].id}").status_code == 200
    assert from_second.get(f"/dashboard/keys/{keys['Beta'].id}").status_code == 404
    assert from_second.post("/dashboard/organization", {"organization": str(second.id)}).status_code == 302
    assert from_second.get(f"/dashboard/keys/{keys['Alpha'].id}").status_code == 404
    page = from_second.get(f"/dashboard/keys/{keys['Beta'].id}").content.decode()
    assert "Beta" in page
    assert from_second.post("/dashboard/organization", {"organization": "nonsense"}).status_code == 404


def test_a_removed_member_sees_nothing_at_once(organization):
    owner, leaving = make_member("owner", organization), make_member("manager", organization)
    client, key = browser(leaving), Partner(make_key(organization)).issued.key
    assert client.get(f"/dashboard/keys/{key.id}").status_code == 200
    row = membership_id(organization, leaving)
    browser(owner).post(f"{LIST}/{organization.id}/members/{row}/remove")
    assert client.get(f"/dashboard/keys/{key.id}").status_code == 403
