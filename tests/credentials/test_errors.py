"""Contract 0.2: one error body everywhere; design 3: strict input."""

import pytest
from django.db import OperationalError
from django.test import Client

from config import tenancy
from leads.models import Lead
from leads.services import leads as services
from tests.partner import BASE


def body(answer, status, code):
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert set(answer.json()) >= {"error", "message", "details", "requestId"}
    assert answer.json()["requestId"] == answer["X-Request-Id"]
    assert isinstance(answer.json()["details"]["retryable"], bool)
    return answer.json()


def test_unknown_paths_and_methods_answer_the_contracts_body(partner):
    body(partner.get("/nowhere"), 404, "NOT_FOUND")
    body(partner.get("/jobs/not-a-uuid/status"), 404, "NOT_FOUND")
    refused = partner.delete("/leads")
    body(refused, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in refused["Allow"]
    body(Client().get("/v1/nowhere"), 401, "UNAUTHORIZED")


def test_media_types(partner):
    answer = partner.get("/health", headers={"Accept": "text/html"})
    body(answer, 406, "NOT_ACCEPTABLE")
    form = partner._client.post(
        f"{BASE}/companies/create",
        "name=x",
        content_type="application/x-www-form-urlencoded",
        headers={"x-partner-api-key": partner.issued.raw},
    )
    body(form, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_beyond_the_limit_is_413(partner, settings):
    settings.API_MAX_BODY_BYTES = 100
    body(partner.post("/companies/create", {"name": "x" * 200}), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "a", "name": "b"}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b'{"name": 1e999}',
        b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"name": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
    ],
)
def test_what_is_not_strict_json_is_400(partner, raw):
    body(partner.post("/companies/create", raw=raw), 400, "VALIDATION_ERROR")
    assert partner.get("/companies").json()["total"] == 0


def test_field_errors_name_their_fields(partner):
    answer = partner.post("/companies/create", {"contact_email": "nonsense"})
    details = body(answer, 400, "VALIDATION_ERROR")["details"]
    assert set(details) == {"name", "contact_email", "retryable"}


def test_a_fault_of_ours_is_500_without_a_trace_and_leaves_nothing(partner, monkeypatch):
    monkeypatch.setattr(services, "events_emit", lambda *a, **k: 1 / 0)
    answer = partner.lead_post()
    assert body(answer, 500, "INTERNAL_SERVER_ERROR")["details"] == {"retryable": True}
    assert b"ZeroDivision" not in answer.content
    with tenancy.operator():
        assert not Lead.objects.exists()


def test_a_database_that_does_not_answer_is_503(partner, monkeypatch):
    def down(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(services, "phone_normalize", down)
    assert body(partner.lead_post(), 503, "SERVICE_UNAVAILABLE")["details"]["retryable"] is True


def test_the_partner_api_can_be_switched_off_while_the_pages_stay(partner, settings, client):
    settings.PARTNER_API_ENABLED = False
    body(partner.get("/health"), 503, "SERVICE_UNAVAILABLE")
    assert client.get("/livez").status_code == 200
    assert client.get("/accounts/login/").status_code == 200


def test_every_answer_points_at_the_deprecation_policy(partner, client):
    path = partner.get("/health")["x-partner-api-deprecation-policy"]
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, "text/markdown")
