"""What the access matrix (tests/contract/test_access_matrix.py) does not say of clients: lists, making them,
secrets, and what a client's own key may not decide."""

from typing import Any

import pytest
from django.test import Client

from config import tenancy
from credentials.models import ApiKey
from credentials.scopes import Scope
from partners.models import ApiClient, AuditEntry
from tests.api_clients import CLIENTS, KeyCaller, terms
from tests.factories import make_key, make_organization
from tests.people import Caller, make_member
from webhooks.models import Subscription

READERS, GOVERNORS = {"super", "owner", "manager", "member"}, {"super", "owner", "manager"}
PEOPLE = ("super", "owner", "manager", "member", "outsider")
# key: (whether it is the organization's, in which organization and environment it is)
KEY_KINDS = {
    "client key": (False, "mine", "sandbox"),
    "organization key": (True, "mine", "sandbox"),
    "production key": (True, "mine", "production"),
    "foreign organization key": (True, "theirs", "sandbox"),
}
TARGETS = ("own", "sibling", "other environment", "other organization")


class World:
    """Two organizations with clients, and everybody who may call."""

    def __init__(self) -> None:
        self.mine, self.theirs = make_organization(), make_organization()
        self.issued = make_key(self.mine, scopes=["leads:read"])
        self.clients = {
            "own": self.issued.key.client,
            "sibling": make_key(self.mine, scopes=["leads:read"]).key.client,
            "other environment": make_key(
                self.mine, scopes=["leads:read"], environment="production"
            ).key.client,
            "other organization": make_key(self.theirs, scopes=["leads:read"]).key.client,
        }

    def person(self, role: str) -> Caller:
        if role == "outsider":
            return Caller(make_member("owner", make_organization()))
        return Caller(make_member(role, self.mine))

    def key(self, kind: str, *scopes: str) -> KeyCaller:
        wide, where, environment = KEY_KINDS[kind]
        name = self.clients["own"].name
        given = {"environment": environment, "organization_wide": wide, "scopes": scopes, "name": name}
        return KeyCaller(make_key(getattr(self, where), **given))

    def rows(self) -> Any:
        """All that a call could change."""
        with tenancy.operator():
            return (
                list(ApiClient.objects.order_by("id").values()),
                list(ApiKey.objects.order_by("id").values("id", "status", "version", "scopes")),
                list(Subscription.objects.order_by("id").values()),
                AuditEntry.objects.filter(action__regex="^(client|key)").count(),
            )


# --- Lists and making, which are about no one client --------------------------------------


@pytest.mark.parametrize("role", PEOPLE)
def test_a_list_holds_what_a_role_reaches(role):
    world = World()
    answer = world.person(role)("get", CLIENTS, organizationId=str(world.mine.id))
    if role == "outsider":
        assert answer.status_code == 404
        return
    mine = {str(world.clients[target].id) for target in TARGETS[:3]}
    assert {client["id"] for client in answer.json()["data"]} == mine


@pytest.mark.parametrize(("kind", "seen"), [("client key", 1), ("organization key", 2)])
def test_a_list_holds_what_a_key_reaches(kind, seen):
    world = World()
    answer = world.key(kind, "clients:read")("get", CLIENTS)
    assert answer.json()["pagination"]["total"] == seen
    assert str(world.clients["own"].id) in {client["id"] for client in answer.json()["data"]}
    other = world.key(kind, "clients:read")("get", CLIENTS, organizationId=str(world.theirs.id))
    assert (other.status_code, other.json()["details"]["reason"]) == (403, "tenant_mismatch")


def test_making_a_client_is_for_governors_and_organization_keys():
    world = World()
    answers = {"super": 201, "owner": 201, "manager": 201, "member": 403, "outsider": 404}
    for role, expected in answers.items():
        answer = world.person(role)("post", CLIENTS, terms(organizationId=str(world.mine.id)))
        assert answer.status_code == expected, role
    before = world.rows()
    assert world.key("client key", *Scope)("post", CLIENTS, terms()).status_code == 403
    assert len(world.rows()[0]) == len(before[0])
    assert world.key("organization key", "clients:write")("post", CLIENTS, terms()).status_code == 201


def test_a_webhook_secret_is_shown_to_writers_only():
    world = World()
    path = f"{CLIENTS}/{world.clients['own'].id}"

    def shown(caller: Any) -> bool:
        client = caller("get", path).json()
        dashboard = caller("get", f"{path}/dashboard").json()["client"]
        assert client["webhookSecret"] == dashboard["webhookSecret"]
        return client["webhookSecret"] is not None

    assert [shown(world.person(role)) for role in PEOPLE[:4]] == [True, True, True, False]
    assert not shown(world.key("client key", "clients:read"))
    assert shown(world.key("client key", "clients:read", "clients:write"))


def test_what_a_clients_own_key_may_not_decide():
    world = World()
    path = f"{CLIENTS}/{world.clients['own'].id}"
    own, wide = (
        world.key(kind, "clients:write", "leads:read") for kind in ("client key", "organization key")
    )
    before = world.rows()
    for body in ({"rateLimitTier": "enterprise"}, {"scopes": ["leads:read", "clients:write", "keys:write"]}):
        assert own("put", path, body).status_code == 403
    assert world.rows() == before
    assert wide("put", path, {"rateLimitTier": "enterprise"}).status_code == 200
    assert wide("put", path, {"scopes": ["leads:read", "clients:write", "keys:write"]}).status_code == 403


def test_rate_limit_tiers_are_anybodys_who_is_known():
    world = World()
    assert world.key("client key", "leads:read")("get", "/api/v1/rate-limits").status_code == 200
    assert world.person("member")("get", "/api/v1/rate-limits").status_code == 200
    assert Client().get("/api/v1/rate-limits").status_code == 401
