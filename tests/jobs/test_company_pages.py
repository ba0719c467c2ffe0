"""Companies and agents are added and found in the dashboard, within a person's reach."""

import pytest
from django.urls import reverse

from config import tenancy
from partners.models import Agent, AuditEntry, Company
from tests.factories import make_company, make_organization
from tests.pages.test_content_policy import check
from tests.people import browser, make_member

LIST = reverse("dashboard-companies")


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


def test_a_company_and_its_agents_are_added(manager, organization):
    made = manager.post(LIST, {"name": "Northgate", "environment": "sandbox", "industry": "Telecom"})
    assert made.status_code == 302
    address = made["Location"]
    dana = {"name": "Dana", "email": "dana@northgate.example"}
    assert manager.post(address, dana).status_code == 302
    again = manager.post(address, dana | {"email": "DANA@northgate.example"})
    assert again.status_code == 422
    for url in (LIST, address, LIST + "?q=north"):
        html = manager.get(url).content.decode()
        check(html)
        assert "Northgate" in html
    assert "Northgate" not in manager.get(LIST + "?q=south").content.decode()
    assert manager.post(LIST, {"name": "", "environment": "odd"}).status_code == 422
    with tenancy.operator():
        agent = Agent.objects.select_related("company").get()
        assert (agent.company.name, agent.organization_id) == ("Northgate", organization.id)
        actions = list(AuditEntry.objects.order_by("sequence").values_list("action", flat=True))
    assert actions[-2:] == ["company.created", "agent.created"]


def test_only_governors_add_and_only_where_they_are(manager, organization):
    mine, theirs = make_company(organization), make_company(make_organization())
    member = browser(make_member("member", organization))
    address = reverse("dashboard-company", args=[mine.id])
    assert member.get(address).status_code == 200
    given = {"name": "Eve", "email": "eve@x.example"}
    assert member.post(address, given).status_code == 404
    assert member.post(LIST, {"name": "Eve", "environment": "sandbox"}).status_code == 404
    foreign = reverse("dashboard-company", args=[theirs.id])
    assert (manager.get(foreign).status_code, manager.post(foreign, given).status_code) == (404, 404)
    with tenancy.operator():
        assert (Company.objects.count(), Agent.objects.count()) == (2, 0)
