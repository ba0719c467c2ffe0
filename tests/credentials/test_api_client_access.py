"""Contract D's access matrix: each role and kind of key, on its own and other clients and organizations.

The endpoints are taken from the URLs, so one that is added is asked too.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from config import tenancy
from credentials.access import ClientApiViewSet
from credentials.models import ApiKey
from credentials.permissions import ANY_KEY
from credentials.scopes import Scope
from partners.models import ApiClient, AuditEntry
from tests.api_clients import CLIENTS, KEYS, KeyCaller, terms
from tests.architecture.test_scopes import routes
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


def endpoints() -> list[Any]:
    """(verb, route, scope) of each action about one client or its keys; apps above test their own."""
    found = []
    for route, callback in routes(get_resolver().url_patterns):
        view = getattr(callback, "cls", None)
        if not (view and issubclass(view, ClientApiViewSet) and view.__module__.startswith("credentials.")):
            continue
        for verb, action in callback.actions.items():
            if "client_id" in route or route == KEYS:
                found.append(pytest.param(verb, route, view.scopes[action], id=f"{verb} {route}"))
    return found


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

    def call(self, caller: Any, verb: str, route: str, target: str) -> Any:
        client = self.clients[target]
        path = route.replace("<uuid:client_id>", str(client.id))
        with tenancy.operator():
            key = ApiKey.objects.filter(client=client).order_by("created_at").first()
        path = path.replace("<uuid:api_key_id>", str(key.id if key else client.id))
        body: dict[str, Any] = {}
        if route == KEYS:
            body = {"clientId": str(client.id), "name": "Server", "scopes": ["leads:read"]}
        elif verb == "put":
            body = {"description": "Changed"}
        return caller(verb, path) if verb == "get" else caller(verb, path, body)

    def rows(self) -> Any:
        """All that a call could change."""
        with tenancy.operator():
            return (
                list(ApiClient.objects.order_by("id").values()),
                list(ApiKey.objects.order_by("id").values("id", "status", "version", "scopes")),
                list(Subscription.objects.order_by("id").values()),
                AuditEntry.objects.filter(action__regex="^(client|key)").count(),
            )


def settled(world: World, ask: Callable[[], Any], expected: int | str, what: object) -> None:
    """The call is answered as expected, and a refusal changes nothing."""
    before = world.rows()
    answer = ask()
    if expected == "admitted":
        assert answer.status_code not in (401, 403, 404, 405, 500), (what, answer.content)
    else:
        assert answer.status_code == expected, (what, answer.content)
        assert world.rows() == before, what


ENDPOINTS = endpoints()


@pytest.mark.parametrize(("verb", "route", "scope"), ENDPOINTS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_role_reaches_its_organizations_clients(verb, route, scope, target):
    admitted = READERS if verb == "get" else GOVERNORS
    world = World()
    for role in PEOPLE:
        caller = world.person(role)
        outside = role == "outsider" or (target == "other organization" and role != "super")
        expected = 404 if outside else "admitted" if role in admitted else 403
        settled(world, lambda: world.call(caller, verb, route, target), expected, role)  # noqa: B023
        world = World() if expected == "admitted" and verb != "get" else world


@pytest.mark.parametrize(("verb", "route", "scope"), ENDPOINTS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_key_reaches_its_own_client_and_an_organizations_key_all_of_its_environment(
    verb, route, scope, target
):
    world = World()
    for kind in KEY_KINDS:
        caller = world.key(kind, scope, Scope.LEADS_READ)
        reached = {
            "client key": {"own"},
            "organization key": {"own", "sibling"},
            "production key": {"other environment"},
            "foreign organization key": {"other organization"},
        }[kind]
        expected = "admitted" if target in reached else 404
        settled(world, lambda: world.call(caller, verb, route, target), expected, kind)  # noqa: B023
        world = World() if expected == "admitted" and verb != "get" else world


@pytest.mark.parametrize(("verb", "route", "scope"), ENDPOINTS)
def test_a_key_without_the_scope_is_refused_whatever_else_it_holds(verb, route, scope):
    world = World()
    others = [other for other in Scope if other != scope]
    for kind in ("client key", "organization key"):
        caller = world.key(kind, *others)
        for target in TARGETS:
            settled(world, lambda: world.call(caller, verb, route, target), 403, (kind, target))  # noqa: B023


@pytest.mark.parametrize(("verb", "route", "scope"), ENDPOINTS)
def test_nobody_is_refused(verb, route, scope):
    world = World()
    for headers in ({}, {"Authorization": "Bearer at_nonsense"}, {"Cookie": "sessionid=x"}):
        client = Client(headers=headers)

        def ask(method: str, path: str, body: Any = None, client: Client = client) -> Any:
            return getattr(client, method)(path, body, content_type="application/json")

        settled(world, lambda: world.call(ask, verb, route, "own"), 401, headers)


def test_there_are_endpoints_to_ask():
    assert len(ENDPOINTS) >= 9
    assert ANY_KEY not in [given.values[2] for given in ENDPOINTS]


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
