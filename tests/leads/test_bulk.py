"""Section A: POST /leads/bulk, many leads in one call."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from config import tenancy
from leads.models import Lead
from webhooks.models import Event


def bulk(partner, leads, key=None):
    return partner.write("/leads/bulk", key, leads=leads)


def lead(number, **given):
    return {"name": f"Lead {number}", "email": f"{number}@a.example"} | given


def stored():
    with tenancy.operator():
        return Lead.objects.count(), Event.objects.filter(type="lead.created").count()


def test_each_lead_has_its_own_result_and_a_bad_one_loses_no_other(partner):
    before = partner.lead_post(email="0@a.example", externalId="7").json()
    given = [
        lead(0),
        lead(1, phone="050-123-4567", tags=["fair"]),
        lead(2, email="nonsense"),
        "no lead",
        lead(4, phone="+972501234567"),
        lead(5, externalId="7"),
        lead(6, externalId="8"),
        lead(7, externalId="8"),
        None,
        lead(9, phone="call me", email=""),
    ]
    answer = bulk(partner, given, "once")
    assert answer.status_code == 200
    results = answer.json()["data"]
    assert [result["index"] for result in results] == list(range(10))
    assert [result["status"] for result in results] == [201, 201, 400, 400, 201, 409, 201, 409, 400, 400]
    assert (answer.json()["created"], answer.json()["failed"]) == (4, 6)
    assert results[0]["lead"]["duplicateOf"] == before["id"]
    assert results[4]["lead"]["duplicateOf"] == results[1]["lead"]["id"]
    assert results[5]["error"]["details"]["leadId"] == before["id"]
    assert set(results[2]["error"]) == {"error", "message", "details", "requestId"}
    assert "email" in results[2]["error"]["details"]
    assert stored() == (5, 5)
    again = bulk(partner, given, "once")
    assert (again.content, again["Idempotent-Replayed"]) == (answer.content, "true")
    assert bulk(partner, given[:3], "once").status_code == 409
    assert stored() == (5, 5)


def test_the_bounds(partner):
    for leads in ([lead(n) for n in range(501)], [], None, {"a": 1}):
        refused = bulk(partner, leads)
        assert (refused.status_code, "leads" in refused.json()["details"]) == (400, True)
    assert stored() == (0, 0)
    answer = bulk(partner, [lead(n, notes="x" * 9_000) for n in range(500)])
    assert answer.json()["created"] == 500
    assert stored() == (500, 500)


def test_many_cost_as_many_statements_as_few(partner):
    counts = []
    for size in (1, 2, 60):
        with CaptureQueriesContext(connection) as captured:
            assert bulk(partner, [lead(f"{size}-{n}", externalId=f"{size}-{n}") for n in range(size)])
        counts.append(len(captured))
    assert counts[1] == counts[2]  # the first request reads the key
