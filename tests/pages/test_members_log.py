"""Members see usage and the request log of the organization they are in, and nothing else."""

import pytest
from django.test import Client

from config import tenancy
from credentials.models import RequestLog
from partners.services.organizations import member_add
from tests.factories import ACTOR, make_key, make_organization, make_user
from tests.partner import Partner


@pytest.fixture
def mine():
    return make_organization(name="Acme Contact Centers")


@pytest.fixture
def member(mine):
    person = make_user()
    member_add(organization=mine, user=person.user, role="member", actor=ACTOR)
    client = Client()
    client.force_login(person.user)
    return client


def logged(organization, shipped):
    """The id of one logged request of the organization's partner."""
    answer = Partner(make_key(organization)).get("/health")
    shipped()
    with tenancy.operator():
        return RequestLog.objects.get(request_id=answer["X-Request-Id"])


def test_the_log_shows_ones_own_requests_only(member, mine, shipped):
    own, other = logged(mine, shipped), logged(make_organization(), shipped)
    page = member.get("/dashboard/requests").content.decode()
    assert own.key_id in page
    assert other.key_id not in page
    assert other.key_id not in member.get("/dashboard/requests", {"q": other.request_id}).content.decode()
    detail = member.get(f"/dashboard/requests/{own.id}").content.decode()
    assert member.get(f"/dashboard/keys/{own.partner_api_key_id}").status_code == 200
    assert f'href="/dashboard/keys/{own.partner_api_key_id}"' in detail
    assert member.get(f"/dashboard/requests/{other.id}").status_code == 404


def test_usage_counts_ones_own_requests_only_whatever_organization_is_named(member, mine, shipped):
    logged(mine, shipped)
    other = logged(make_organization(name="Somebody Else"), shipped)
    page = member.get("/dashboard/usage", {"organization": str(other.organization_id)}).content.decode()
    assert "Somebody Else" not in page
    assert other.key_id not in page
    assert ">1</span>" in page


def test_the_overview_leads_to_both(member, mine, shipped):
    logged(mine, shipped)
    page = member.get("/dashboard/").content.decode()
    assert 'href="/dashboard/usage"' in page
    assert 'href="/dashboard/requests"' in page


def test_people_of_no_organization_see_neither(client):
    client.force_login(make_user().user)
    assert client.get("/dashboard/").status_code == 200
    for path in ("usage", "requests"):
        assert client.get(f"/dashboard/{path}").status_code == 403
