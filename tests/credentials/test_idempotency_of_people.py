"""Contract 0.4 on the governance endpoints: a person's write happens once, its secret answer kept sealed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from config import tenancy
from credentials.models import ApiKey, ApiKeySecret, PersonIdempotencyRecord
from credentials.services.tokens import token_issue
from credentials.tasks import clean_up
from partners.models import Membership
from partners.services.organizations import member_add
from tests.conftest import owner_connection
from tests.factories import ACTOR, make_key, make_super_admin, make_user
from tests.partner import Partner

CREDENTIALS = "/partner/credentials"


class Caller:
    """A person's program."""

    def __init__(self, user):
        self.user = user
        self._token = token_issue(user=user, label="test", valid_for=timedelta(minutes=5))

    def __call__(self, method, path, body, idempotency_key="same", header="Idempotency-Key"):
        headers = {"Authorization": f"Bearer {self._token}", header: idempotency_key}
        send = getattr(Client(raise_request_exception=False, headers=headers), method)
        return send(path, json.dumps(body), content_type="application/json")


@pytest.fixture
def member_of(organization):
    def build(role=Membership.Role.OWNER):
        user = make_user().user
        member_add(organization=organization, user=user, role=role, actor=ACTOR)
        return Caller(user)

    return build


@pytest.fixture
def owner(member_of):
    return member_of()


def issue(caller, organization, idempotency_key="same", **given):
    body = {"organizationId": str(organization.id), "name": "Acme", "scopes": ["leads:read"]} | given
    return caller("post", CREDENTIALS, body, idempotency_key)


def count(model):
    with tenancy.operator():
        return model.objects.count()


def test_a_repeat_answers_the_same_secret_and_issues_nothing(owner, organization):
    first, second = issue(owner, organization), issue(owner, organization)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (first.get("Idempotent-Replayed"), second["Idempotent-Replayed"]) == (None, "true")
    assert second["X-RateLimit-Limit"]
    assert count(ApiKey) == 1
    headers = {"x-partner-api-key": second.json()["rawApiKey"]}
    assert Client().get("/api/partner/v1/health", headers=headers).status_code == 200


def test_what_is_kept_of_the_answer_is_sealed(owner, organization):
    body = issue(owner, organization).json()
    with owner_connection() as raw:
        (kept,) = raw.execute("SELECT response_sealed FROM credentials_personidempotencyrecord").fetchone()
    assert len(kept) > 200
    for secret in (body["rawApiKey"], body["webhookSecret"], body["keyId"]):
        assert secret.encode() not in kept


def test_a_partners_kept_answer_is_sealed_too(partner):
    partner.lead_post("same", name="Ada Lovelace")
    with owner_connection() as raw:
        (kept,) = raw.execute("SELECT response_sealed FROM credentials_idempotencyrecord").fetchone()
    assert b"Lovelace" not in kept
    assert b"Lovelace" in partner.lead_post("same", name="Ada Lovelace").content


def test_rotation_and_status_changes_happen_once(owner, organization):
    key = make_key(organization).key
    rotations = [owner("post", f"{CREDENTIALS}/{key.id}/rotate", {}, "r") for _ in range(2)]
    assert rotations[0].status_code == 200
    assert rotations[0].content == rotations[1].content
    assert count(ApiKeySecret) == 2
    path = f"{CREDENTIALS}/{key.id}/status"
    assert owner("patch", path, {"status": "suspended"}, "s").status_code == 200
    assert owner("patch", path, {"status": "active"}, "t").status_code == 200
    repeated = owner("patch", path, {"status": "suspended"}, "s")
    assert repeated["Idempotent-Replayed"] == "true"
    with tenancy.operator():
        assert ApiKey.objects.get(id=key.id).status == "active", "a repetition is no second change"


def test_another_call_with_the_key_is_409(owner, organization):
    issue(owner, organization)
    for answer in (
        issue(owner, organization, name="Other"),
        owner("post", f"{CREDENTIALS}/{organization.id}/rotate", {}),
        owner("patch", f"{CREDENTIALS}/{organization.id}/status", {"status": "revoked"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert count(ApiKey) == 1


def test_each_person_has_keys_of_their_own(member_of, organization):
    answers = [issue(member_of(), organization) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert count(ApiKey) == 2


def test_a_refused_call_frees_the_key(owner, organization):
    assert issue(owner, organization, scopes=["no:such"]).status_code == 400
    assert count(PersonIdempotencyRecord) == 0
    assert issue(owner, organization).status_code == 201


def test_nothing_is_replayed_to_somebody_who_has_lost_the_role(member_of, organization):
    caller = member_of(Membership.Role.MANAGER)
    assert issue(caller, organization).status_code == 201
    with tenancy.operator():
        Membership.objects.filter(user=caller.user).update(role=Membership.Role.MEMBER)
    answer = issue(caller, organization)
    assert (answer.status_code, answer.json()["details"]["reason"]) == (403, "missing_scope")
    assert "rawApiKey" not in answer.json()


def test_a_super_admins_key_is_refused_once_they_are_none(organization):
    admin = Caller(make_super_admin().user)
    assert issue(admin, organization).status_code == 201
    admin.user.is_superuser = False
    admin.user.save()
    assert issue(admin, organization).status_code == 403


def test_simultaneous_identical_calls_issue_one_key(owner, organization):
    def call(_):
        try:
            return issue(owner, organization)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(16)))
    created = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(created) + len(waiting) == 16
    assert {answer.json()["error"] for answer in waiting} <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert all(answer["Retry-After"] == "1" for answer in waiting)
    assert len({answer.content for answer in created}) == 1
    assert count(ApiKey) == 1


def test_after_24_hours_the_key_is_free_and_the_record_cleaned_up(owner, organization):
    issue(owner, organization)
    expire = "UPDATE credentials_personidempotencyrecord SET expires_at = now() - interval '1 second'"
    with owner_connection() as raw:
        raw.execute(expire)
    assert issue(owner, organization).get("Idempotent-Replayed") is None
    assert count(ApiKey) == 2
    with owner_connection() as raw:
        raw.execute(expire)
    clean_up()
    assert count(PersonIdempotencyRecord) == 0


def test_a_partners_key_is_no_persons(owner, organization, partner: Partner):
    assert partner.lead_post("same").status_code == 201
    assert issue(owner, organization).status_code == 201
