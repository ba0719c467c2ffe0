"""Contract E: requests, from submission to what became of them."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from config import tenancy
from credentials.scopes import Scope
from jobs.models import Job
from partner_requests.models import Onboarding, PartnerRequest
from partner_requests.registry import REQUEST_TYPES, RequestRefused, request_type
from partner_requests.selectors import request_figures
from partner_requests.serializers import OnboardingIn
from partner_requests.services.lifecycle import partner_requests_sweep
from partners.models import AuditEntry
from tests.engine import job_work
from tests.factories import make_key, make_organization
from tests.people import Caller, browser, make_member
from webhooks.models import Event

REQUESTS = "/api/requests"
ONBOARDING = {
    "companyName": "Northwind Ltd",
    "contactName": "Ada",
    "contactEmail": "ada@northwind.example",
    "country": "IL",
}


class Program:
    """A partner's program with one key."""

    def __init__(self, issued):
        self.issued = issued
        self._client = Client(headers={"x-partner-api-key": issued.raw})

    def submit(self, type="ONBOARDING", payload=ONBOARDING, **headers):
        body = json.dumps({"type": type, "payload": payload})
        return self._client.post(REQUESTS, body, content_type="application/json", headers=headers)

    def submitted(self, *given, **headers):
        answer = self.submit(*given, **headers)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def get(self, request_id="", **query):
        return self._client.get(f"{REQUESTS}/{request_id}".rstrip("/"), query)


@pytest.fixture
def program(organization):
    return Program(make_key(organization, scopes=[Scope.REQUESTS_READ, Scope.REQUESTS_WRITE]))


def statuses(answer):
    return [step["status"] for step in answer.json()["history"]]


def events():
    with tenancy.operator():
        return list(Event.objects.filter(type__startswith="request.").values_list("type", flat=True))


def row(request_id):
    with tenancy.operator():
        return PartnerRequest.objects.get(id=request_id)


def test_submitting_answers_as_the_contract_says(program):
    made = program.submitted()
    assert made.keys() == {"id", "partnerId", "type", "status", "createdAt"}
    assert made["partnerId"] == str(program.issued.key.client_id)
    assert (made["type"], made["status"]) == ("ONBOARDING", "SUBMITTED")


def test_a_worker_records_the_onboarding_and_completes_it(program):
    made = program.submitted()
    while job_work(queue="default"):
        pass
    answer = program.get(made["id"])
    found = answer.json()
    assert (found["status"], found["error"]) == ("COMPLETED", None)
    assert found["result"]["companyName"] == "Northwind Ltd"
    assert found["payload"] == ONBOARDING
    assert statuses(answer) == ["SUBMITTED", "PROCESSING", "COMPLETED"]
    with tenancy.operator():
        assert Onboarding.objects.get().contact_email == "ada@northwind.example"
    assert events() == ["request.completed"]


def test_a_second_onboarding_replaces_the_first(program):
    for name in ("Northwind Ltd", "Northwind Inc"):
        program.submitted("ONBOARDING", ONBOARDING | {"companyName": name})
    while job_work(queue="default"):
        pass
    with tenancy.operator():
        assert Onboarding.objects.get().company_name == "Northwind Inc"


@pytest.mark.parametrize("payload", [None, 0, "text", [], {}, ONBOARDING | {"country": "Israel"}])
def test_a_payload_that_its_type_refuses_is_not_taken(program, payload):
    answer = program.submit("ONBOARDING", payload)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert "payload" in answer.json()["details"]
    assert program.get().json()["data"] == []


@pytest.mark.parametrize("payload", [None, False, 0, 1.5, "", "text", [], [None], {}, {"a": {"b": [1]}}])
def test_any_json_waits_for_an_operator_where_no_handler_is(program, payload):
    made = program.submitted("REFUND", payload)
    assert not job_work(queue="default")
    found = program.get(made["id"]).json()
    assert (found["status"], found["payload"]) == ("SUBMITTED", payload)


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"type": "X"}',
        '{"payload": 1}',
        '{"type": "", "payload": 1}',
        '{"type": "a b", "payload": 1}',
        "[]",
    ],
)
def test_a_bad_body_is_refused(program, body):
    answer = program._client.post(REQUESTS, body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")


def test_a_payload_has_a_size(program):
    assert program.submit("REFUND", "x" * 300_000).status_code == 400


def test_the_same_idempotency_key_submits_once(program):
    first = program.submitted("REFUND", 1, **{"Idempotency-Key": "once"})
    again = program.submitted("REFUND", 1, **{"Idempotency-Key": "once"})
    assert first == again
    assert len(program.get().json()["data"]) == 1


@pytest.fixture
def handler():
    """Register a type for one test."""
    names = []

    def register(name, handle):
        request_type(name, payload=OnboardingIn, target=timedelta(minutes=1))(handle)
        names.append(name)

    yield register
    for name in names:
        del REQUEST_TYPES[name]


def test_what_a_handler_refuses_fails_for_good(program, handler):
    def refuse(request, data):
        Onboarding.objects.create(
            organization_id=request.organization_id,
            environment=request.environment,
            client_id=request.client_id,
            **data,
        )
        raise RequestRefused("sanctioned", "This country is not served.")

    handler("SCREEN", refuse)
    made = program.submitted("SCREEN")
    assert job_work(queue="default")
    answer = program.get(made["id"])
    assert answer.json()["error"] == {"code": "sanctioned", "message": "This country is not served."}
    assert statuses(answer) == ["SUBMITTED", "PROCESSING", "FAILED"]
    assert events() == ["request.failed"]
    with tenancy.operator():
        assert not Onboarding.objects.exists(), "what it did is undone"


def test_an_attempt_that_died_after_its_commit_is_not_done_twice(program, handler, monkeypatch):
    done = []
    handler("COUNT", lambda request, data: done.append(1) or {"n": len(done)})
    made = program.submitted("COUNT")
    with monkeypatch.context() as death:
        death.setattr("jobs.services.lots.jobs_end", lambda ended: None)
        assert job_work(queue="default")
    with tenancy.operator():
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert job_work(queue="default")
    assert (done, program.get(made["id"]).json()["result"]) == ([1], {"n": 1})
    assert events() == ["request.completed"]


def test_only_ones_own_requests_are_there(organization, program):
    made = program.submitted("REFUND", 1)
    sibling = Program(make_key(organization, scopes=[Scope.REQUESTS_READ]))
    stranger = Program(make_key(make_organization(), scopes=[Scope.REQUESTS_READ]))
    for other in (sibling, stranger):
        assert other.get(made["id"]).status_code == 404
        assert other.get().json()["data"] == []
        assert other.submit().status_code == 403
    wide = Program(make_key(organization, scopes=[Scope.REQUESTS_READ], organization_wide=True))
    assert wide.get(made["id"]).status_code == 200


def test_the_list_filters_by_status_and_type(program):
    program.submitted("REFUND", 1)
    program.submitted()
    while job_work(queue="default"):
        pass
    assert [one["type"] for one in program.get(status="completed").json()["data"]] == ["ONBOARDING"]
    assert [one["type"] for one in program.get(search="refu").json()["data"]] == ["REFUND"]
    assert program.get(status="odd").status_code == 400


def test_a_late_request_is_flagged_and_announced_once(program):
    made = program.submitted("REFUND", 1)
    assert partner_requests_sweep() == 0
    with tenancy.operator():
        PartnerRequest.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    assert (partner_requests_sweep(), partner_requests_sweep()) == (1, 0)
    assert program.get().json()["data"][0]["slaBreached"] is True
    assert events() == ["request.sla_breached"]
    assert row(made["id"]).status == "SUBMITTED"


def test_the_database_knows_the_order_of_statuses(program):
    made = program.submitted("REFUND", 1)
    with pytest.raises(IntegrityError), tenancy.operator():
        PartnerRequest.objects.filter(id=made["id"]).update(status="COMPLETED")
    with tenancy.operator():
        PartnerRequest.objects.filter(id=made["id"]).update(status="COMPLETED", settled_at=timezone.now())
    with pytest.raises(IntegrityError), tenancy.operator():
        PartnerRequest.objects.filter(id=made["id"]).update(status="SUBMITTED", settled_at=None)
    with (
        pytest.raises(Exception, match="permission denied"),
        tenancy.operator(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM partner_requests_transition")


def test_figures_by_type(program, organization):
    program.submitted()
    program.submitted("REFUND", 1)
    while job_work(queue="default"):
        pass
    with tenancy.tenant(organization.id):
        since = timezone.now() - timedelta(days=1)
        onboarding, refund = request_figures(since=since, organization_id=organization.id)
    assert (onboarding["type"], onboarding["completed"], onboarding["in_time"]) == ("ONBOARDING", 1, 1)
    assert onboarding["p95_s"] >= 0
    assert (refund["open"], refund["p50_s"]) == (1, None)


DETAIL = "/dashboard/partner-requests/{}"


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_an_owner_settles_by_hand_with_a_reason(organization, program, status):
    made = program.submitted("REFUND", {"amount": 5})
    owner = browser(make_member("owner", organization))
    path = DETAIL.format(made["id"])
    assert "REFUND" in owner.get(path).content.decode()
    assert owner.post(f"{path}/decide", {"status": status, "reason": "", "result": ""}).status_code == 422
    assert owner.post(f"{path}/decide", {"status": status, "reason": "x", "result": "{"}).status_code == 422
    given = {"status": status, "reason": "Checked by phone", "result": '{"paid": true}'}
    assert owner.post(f"{path}/decide", given).status_code == 302
    found = program.get(made["id"]).json()
    if status == "COMPLETED":
        assert (found["status"], found["result"], found["error"]) == (status, {"paid": True}, None)
    else:
        expected = {"code": "declined", "message": "Checked by phone"}
        assert (found["status"], found["result"], found["error"]) == (status, None, expected)
    owner.post(f"{path}/decide", given)
    assert statuses(program.get(made["id"])) == ["SUBMITTED", status]
    with tenancy.operator():
        assert AuditEntry.objects.get(action="partner_request.decided").after["reason"] == "Checked by phone"
    assert len(events()) == 1


def test_deciding_ends_a_workers_try(organization, program):
    made = program.submitted()
    owner = browser(make_member("owner", organization))
    given = {"status": "FAILED", "reason": "Not now", "result": ""}
    owner.post(DETAIL.format(made["id"]) + "/decide", given)
    assert not job_work(queue="default")
    assert program.get(made["id"]).json()["status"] == "FAILED"


def test_who_decides(organization, program):
    made = program.submitted("REFUND", 1)
    path = DETAIL.format(made["id"])
    given = {"status": "COMPLETED", "reason": "ok", "result": ""}
    member = browser(make_member("member", organization))
    assert (member.get(path).status_code, member.post(f"{path}/decide", given).status_code) == (200, 403)
    stranger = browser(make_member("owner", make_organization()))
    assert (stranger.get(path).status_code, stranger.post(f"{path}/decide", given).status_code) == (404, 404)
    assert made["id"] not in stranger.get("/dashboard/partner-requests").content.decode()
    assert row(made["id"]).status == "SUBMITTED"


def test_ops_settle_in_the_admin(admin_client, program):
    made = program.submitted("REFUND", {"amount": 5})
    path = f"/admin/partner_requests/partnerrequest/{made['id']}/change/"
    page = admin_client.get(path).content.decode()
    assert "Settle by hand" in page
    admin_client.post(path, {"status": "COMPLETED", "reason": "", "result": ""})
    assert row(made["id"]).status == "SUBMITTED"
    admin_client.post(path, {"status": "COMPLETED", "reason": "Paid out", "result": '{"ok": 1}'})
    assert (row(made["id"]).status, row(made["id"]).result) == ("COMPLETED", {"ok": 1})
    assert "Settle by hand" not in admin_client.get(path).content.decode()


class TestPartners:
    """POST /admin/partners."""

    PATH = "/admin/partners"

    def test_a_super_admin_makes_a_partner_whose_key_works(self, organization):
        caller = Caller(make_member("super"))
        answer = caller("post", self.PATH, {"name": "Contoso", "organizationId": str(organization.id)})
        assert (answer.status_code, answer.json().keys()) == (201, {"id", "name", "apiKey"})
        client = Client(headers={"x-partner-api-key": answer.json()["apiKey"]})
        made = client.post(REQUESTS, '{"type": "X", "payload": 1}', content_type="application/json")
        assert (made.status_code, made.json()["partnerId"]) == (201, answer.json()["id"])
        again = caller("post", self.PATH, {"name": "contoso", "organizationId": str(organization.id)})
        assert again.status_code == 409

    def test_the_only_organization_needs_no_name(self, organization):
        caller = Caller(make_member("super"))
        assert caller("post", self.PATH, {"name": "Contoso"}).status_code == 201
        make_organization()
        answer = caller("post", self.PATH, {"name": "Fabrikam"})
        assert (answer.status_code, next(iter(answer.json()["details"]))) == (400, "organizationId")

    @pytest.mark.parametrize("role", ["owner", "manager", "member"])
    def test_nobody_else_does(self, organization, role):
        caller = Caller(make_member(role, organization))
        assert caller("post", self.PATH, {"name": "Contoso"}).status_code == 403
        assert Client().post(self.PATH, "{}", content_type="application/json").status_code == 401

    def test_a_bad_body_is_refused(self, organization):
        caller = Caller(make_member("super"))
        for body in ({}, {"name": ""}, {"name": "x" * 256}, {"name": "X", "environment": "moon"}, []):
            assert caller("post", self.PATH, body).status_code == 400
