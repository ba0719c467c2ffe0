"""Section B: health, companies, agents."""

import pytest

from credentials.scopes import Scope
from tests.factories import make_company, make_key
from tests.partner import Partner


def test_health(partner):
    body = partner.get("/health").json()
    assert set(body) == {"status", "version", "environment", "timestamp"}
    assert (body["status"], body["environment"]) == ("ok", "sandbox")


def test_a_company_is_created_and_listed(partner):
    given = {"name": "Northwind", "industry": "Telecom", "contact_email": "q@n.example"}
    answer = partner.post("/companies/create", given)
    assert answer.status_code == 201
    assert answer.json().items() >= given.items()
    listed = partner.get("/companies").json()
    row = {name: answer.json()[name] for name in ("id", "name", "industry", "created_at")}
    assert listed == {
        "companies": [row],
        "total": 1,
        "limit": 50,
        "offset": 0,
        "partner_access": "all_companies",
        "message": "This API key has access to all companies",
    }


def test_search_and_pages(partner, organization):
    for name, industry in (("Alpha", "Retail"), ("Beta", "Telecom"), ("Gamma", "retail")):
        make_company(organization, name=name, industry=industry)
    found = partner.get("/companies", search="RETAIL").json()
    assert [row["name"] for row in found["companies"]] == ["Gamma", "Alpha"]
    second = partner.get("/companies", limit=1, offset=1).json()
    assert ([row["name"] for row in second["companies"]], second["total"]) == (["Beta"], 3)


def test_a_bound_key_sees_and_names_its_company_only(organization):
    mine, other = make_company(organization, name="Mine"), make_company(organization, name="Other")
    bound = Partner(make_key(organization, company_id=mine.id))
    listed = bound.get("/companies").json()
    assert [row["name"] for row in listed["companies"]] == ["Mine"]
    assert listed["partner_access"] == "single_company"
    agent = {"name": "Sarah", "email": "sarah@n.example"}
    assert bound.post(f"/companies/{mine.id}/agents/create", agent).status_code == 201
    for path, body in (
        ("/companies/create", {"name": "New"}),
        (f"/companies/{other.id}/agents/create", agent),
        ("/calls/analyze", {"audio_file": "UklGRg==", "company_id": str(other.id)}),
    ):
        answer = bound.post(path, body)
        assert (answer.status_code, answer.json()["details"]["reason"]) == (
            403,
            "company_not_allowed",
        ), path


def test_agents(partner, organization):
    company = make_company(organization)
    given = {"email": "sarah@n.example", "name": "Sarah", "role": "support"}
    answer = partner.post(f"/companies/{company.id}/agents/create", given)
    assert answer.status_code == 201
    assert answer.json().items() >= (given | {"company_id": str(company.id)}).items()
    again = partner.post(f"/companies/{company.id}/agents/create", given)
    assert (again.status_code, again.json()["error"]) == (409, "CONFLICT")


def test_another_tenants_company_is_404_with_the_body_of_an_unknown_one(partner, other_partner):
    theirs = other_partner.post("/companies/create", {"name": "Theirs"}).json()["id"]
    agent = {"name": "Spy", "email": "spy@n.example"}
    answers = [
        partner.post(f"/companies/{identity}/agents/create", agent)
        for identity in (theirs, "00000000-0000-7000-8000-000000000000")
    ]
    bodies = [answer.json() | {"requestId": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert bodies[0] == bodies[1]
    assert partner.get("/companies").json()["total"] == 0


@pytest.mark.parametrize(
    ("scope", "path", "body"),
    [
        (Scope.COMPANIES_WRITE, "/companies/create", {"name": "x"}),
        (Scope.CALLS_WRITE, "/calls/analyze", {}),
    ],
)
def test_writes_need_their_scope(partner_with, scope, path, body):
    others = [other for other in Scope if other != scope]
    answer = partner_with(*others).post(path, body)
    assert (answer.status_code, answer.json()["details"]["requiredScope"]) == (403, scope)
