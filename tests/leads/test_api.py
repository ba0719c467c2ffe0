"""Section A: GET and POST /leads."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from config import tenancy
from credentials.scopes import Scope
from leads.models import Lead
from webhooks.models import Event

FIELDS = {
    "id", "status", "organizationId", "createdAt", "updatedAt", "name", "email", "phone", "source",
    "notes", "duplicateOf", "mergedInto", "phoneE164", "tags", "valueMinor", "currency", "externalId",
    "companyId", "agentId", "customFields", "rejectionReason",
}  # fmt: skip


def cursor(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def stored():
    with tenancy.operator():
        return Lead.objects.count()


def test_a_lead_is_created_and_announced_once(partner):
    answer = partner.lead_post(phone="050-123-4567", source="web", notes="calls back")
    lead = answer.json()
    assert answer.status_code == 201
    assert set(lead) == FIELDS
    assert (lead["status"], lead["source"], lead["notes"]) == ("new", "web", "calls back")
    assert lead["organizationId"] == partner.organization_id
    assert lead["createdAt"].endswith("Z")
    with tenancy.operator():
        (event,) = Event.objects.filter(type="lead.created")
    assert event.data["id"] == lead["id"]


def test_the_list_shows_it(partner):
    created = partner.lead_post().json()
    listed = partner.leads().json()
    assert listed["data"] == [created]
    assert listed["pagination"] == {
        "page": 1, "limit": 20, "total": 1, "totalPages": 1, "nextCursor": None,
    }  # fmt: skip


def test_the_organization_must_be_named_and_be_ones_own(partner, other_partner):
    missing = partner.get("/leads")
    assert (missing.status_code, missing.json()["error"]) == (400, "VALIDATION_ERROR")
    assert "organizationId" in missing.json()["details"]
    theirs = {"organizationId": other_partner.organization_id}
    for answer in (partner.get("/leads", **theirs), partner.lead_post(**theirs)):
        assert (answer.status_code, answer.json()["error"]) == (403, "FORBIDDEN")
        assert answer.json()["details"]["reason"] == "tenant_mismatch"
    assert stored() == 0


def test_scopes(partner_with):
    reader, writer = partner_with(Scope.LEADS_READ), partner_with(Scope.LEADS_WRITE)
    assert reader.leads().status_code == 200
    assert reader.lead_post().status_code == 403
    assert writer.leads().status_code == 403
    assert writer.lead_post().status_code == 201


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"email": "nonsense"}, "email"),
        ({"email": "", "phone": ""}, "email"),
        ({"phone": "call me"}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"notes": "x" * 10_001}, "notes"),
        ({"name": ["a"]}, "name"),
    ],
)
def test_bad_input_names_its_field_and_leaves_nothing(partner, given, field):
    answer = partner.lead_post(**given)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert field in answer.json()["details"]
    assert stored() == 0


def test_a_duplicate_is_kept_and_flagged(partner):
    first = partner.lead_post(email="Ada@A.example", phone="").json()
    by_email = partner.lead_post(email="ada@a.example", phone="050-123-4567").json()
    by_phone = partner.lead_post(email="", phone="+972 50 123 4567").json()
    other = partner.lead_post(email="grace@a.example", phone="").json()
    assert first["duplicateOf"] is None
    assert by_email["duplicateOf"] == first["id"]
    assert by_phone["duplicateOf"] == first["id"]
    assert other["duplicateOf"] is None
    assert stored() == 4


def test_another_tenants_lead_is_no_duplicate_and_not_listed(partner, other_partner):
    partner.lead_post(email="ada@a.example")
    assert other_partner.lead_post(email="ada@a.example").json()["duplicateOf"] is None
    assert other_partner.leads().json()["pagination"]["total"] == 1


def test_pages_and_cursors_see_every_lead_once(partner):
    ids = [partner.lead_post(email=f"{n}@a.example").json()["id"] for n in range(7)]
    pages = [partner.leads(page=page, limit=3).json()["data"] for page in (1, 2, 3)]
    assert [lead["id"] for page in pages for lead in page] == ids[::-1]
    seen, cursor = [], None
    while True:
        listed = partner.leads(limit=3, **({"cursor": cursor} if cursor else {})).json()
        seen += [lead["id"] for lead in listed["data"]]
        cursor = listed["pagination"]["nextCursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


def test_sort_search_status_and_dates(partner):
    partner.lead_post(name="Beth", email="beth@a.example")
    partner.lead_post(name="Ada", email="ada@a.example", source="fair")
    assert [x["name"] for x in partner.leads(sortBy="name", sortOrder="asc").json()["data"]] == [
        "Ada",
        "Beth",
    ]
    assert [x["name"] for x in partner.leads(search="FAIR").json()["data"]] == ["Ada"]
    assert partner.leads(status="new").json()["pagination"]["total"] == 2
    assert partner.leads(status="rejected").json()["pagination"]["total"] == 0
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()
    assert partner.leads(dateFrom=tomorrow).json()["pagination"]["total"] == 0
    assert partner.leads(dateTo=tomorrow).json()["pagination"]["total"] == 2


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"limit": "101"},
        {"limit": "x"},
        {"sortBy": "secret"},
        {"sortOrder": "up"},
        {"status": "odd"},
        {"dateFrom": "yesterday"},
        {"dateFrom": "2026-01-01T00:00:00+25:00"},
        {"dateTo": "9999-12-31T23:59:59-14:00"},
        {"cursor": "nonsense"},
        {"cursor": "WzEsMiwzLDRd"},
        {"search": "\x00"},
        {"cursor": cursor("created_at", True, "not a date", "not an id")},
        {"cursor": cursor("created_at", True, "2026-01-01T00:00:00+00:00", "not an id")},
        {"cursor": cursor("created_at", True, {"a": 1}, [])},
        {"cursor": cursor("created_at", True, "\x00", "\x00")},
        {"cursor": cursor("name", True, "x", "x")},
    ],
)
def test_a_bad_query_is_400(partner, query):
    answer = partner.leads(**query)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR"), query
