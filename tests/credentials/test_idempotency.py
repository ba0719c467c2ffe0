"""Contract 0.4: the first answer is stored with its effect and replayed byte for byte."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from config import tenancy
from credentials.models import IdempotencyRecord
from credentials.tasks import clean_up
from leads.models import Lead
from leads.services import leads as services
from tests.conftest import owner_connection
from tests.factories import make_key
from tests.partner import Partner


def leads():
    with tenancy.operator():
        return Lead.objects.count()


def test_a_repeat_is_answered_byte_for_byte_and_changes_nothing(partner):
    first, second = partner.lead_post("same"), partner.lead_post("same")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second["Content-Type"] == "application/json"
    assert (first.get("Idempotent-Replayed"), second["Idempotent-Replayed"]) == (None, "true")
    assert leads() == 1


def test_another_payload_with_the_key_is_409(partner):
    partner.lead_post("same")
    answer = partner.lead_post("same", name="Grace")
    assert (answer.status_code, answer.json()["error"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert leads() == 1


def test_another_method_path_or_raw_body_with_the_key_is_409(partner, organization):
    company = {"name": "Northwind"}
    same = {"Idempotency-Key": "same"}
    assert partner.post("/companies/create", company, headers=same).status_code == 201
    answers = [
        partner.post("/companies/create", raw=b'{"name":"Northwind"}', headers=same),
        partner.post("/companies/create?again=1", company, headers=same),
        partner.post("/leads", company | {"organizationId": str(organization.id)}, headers=same),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert partner.get("/companies").json()["total"] == 1
    assert leads() == 0


def test_two_different_keys_on_one_call_are_400(partner):
    headers = {"Idempotency-Key": "one", "X-Idempotency-Key": "two"}
    answer = partner.post("/companies/create", {"name": "Northwind"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert partner.get("/companies").json()["total"] == 0


def test_an_empty_key_is_400_rather_than_none(partner):
    answer = partner.post("/companies/create", {"name": "Northwind"}, headers={"Idempotency-Key": ""})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert partner.get("/companies").json()["total"] == 0


def test_a_key_is_kept_until_its_24_hours_are_over(partner):
    partner.lead_post("same")
    move = "UPDATE credentials_idempotencyrecord SET expires_at = expires_at - interval '23:59:50'"
    with owner_connection() as owner:
        owner.execute(move)
    clean_up()
    assert partner.lead_post("same")["Idempotent-Replayed"] == "true"
    with owner_connection() as owner:
        owner.execute("UPDATE credentials_idempotencyrecord SET expires_at = now()")
    assert partner.lead_post("same").get("Idempotent-Replayed") is None
    assert leads() == 2


def test_a_section_a_write_without_the_key_is_400(partner):
    answer = partner.lead_post("")
    assert (answer.status_code, answer.json()["error"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")
    assert leads() == 0


def test_other_writes_accept_the_key_in_either_spelling(partner):
    for header in ("Idempotency-Key", "X-Idempotency-Key"):
        headers = {header: secrets.token_hex(4)}
        body = {"name": "Northwind"}
        first = partner.post("/companies/create", body, headers=headers)
        second = partner.post("/companies/create", body, headers=headers)
        assert first.content == second.content
        assert second["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("idempotency_key", ["x" * 256, "tab\there", "caf\u00e9"])
def test_an_unprintable_or_endless_key_is_400(partner, idempotency_key):
    answer = partner.lead_post(idempotency_key)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert leads() == 0


def test_a_refused_call_frees_the_key(partner):
    assert partner.lead_post("again", phone="12").status_code == 400
    assert partner.lead_post("again").status_code == 201


def test_a_crashed_call_frees_the_key_and_leaves_nothing(partner, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(services, "events_emit", lambda *a, **k: 1 / 0)
        assert partner.lead_post("again").status_code == 500
    assert leads() == 0
    assert partner.lead_post("again").status_code == 201


def test_other_tenants_and_environments_have_keys_of_their_own(partner, other_partner, organization):
    production = Partner(make_key(organization, environment="production"))
    for caller in (partner, other_partner, production):
        answer = caller.lead_post("same")
        assert (answer.status_code, answer.get("Idempotent-Replayed")) == (201, None)
    assert leads() == 3


def test_a_second_key_of_the_same_client_shares_its_idempotency_keys(partner, organization):
    sibling = Partner(make_key(organization, name=partner.issued.key.name))
    assert partner.lead_post("same").content == sibling.lead_post("same").content


def test_a_key_that_lost_its_scope_replays_nothing(partner, organization):
    partner.lead_post("same")
    reader = make_key(organization, name=partner.issued.key.name, scopes=["leads:read"])
    assert Partner(reader).lead_post("same").status_code == 403


def test_after_24_hours_the_key_is_free_and_the_record_cleaned_up(partner):
    partner.lead_post("same")
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        clean_up()
        with tenancy.operator():
            assert not IdempotencyRecord.objects.exists()
        assert partner.lead_post("same").get("Idempotent-Replayed") is None
    assert leads() == 2


def test_simultaneous_identical_calls_make_one_effect(partner):
    def call(_):
        try:
            return partner.lead_post("same")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(call, range(50)))
    created = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(created) + len(waiting) == 50
    assert {answer.json()["error"] for answer in waiting} <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert all(answer["Retry-After"] == "1" for answer in waiting)
    assert len({answer.content for answer in created}) == 1
    assert leads() == 1
