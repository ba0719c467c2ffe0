"""Who may do what under /api/v1: every endpoint of the URL conf, each role, each scope, each method, own and
other clients, environments and organizations."""

from itertools import count

import pytest
from django.test import Client

from credentials.permissions import ANY_KEY
from credentials.scopes import Scope
from tests.contract.access import (
    KEY_KINDS,
    NOT_FOR_CLIENT_KEYS,
    PEOPLE,
    TARGETS,
    World,
    endpoints,
    wrongs,
)

GOVERNORS = {"super", "owner", "manager"}
ALIKE = ("sibling", "other environment")
REACHED = {
    "client key": {"own"},
    "organization key": {"own", "sibling"},
    "production key": {"other environment"},
    "foreign organization key": {"other organization"},
}
ENDPOINTS = endpoints()
PIPELINE = ("leads:", "assignments:", "quotes:", "proposals:", "policies:")
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def world():
    return World()


def targets_of(endpoint):
    return TARGETS if endpoint.is_about_one else TARGETS[:1]


def role_expected(endpoint, role, target):
    if not endpoint.is_for_people:
        return 401
    if endpoint.scope is ANY_KEY:
        return "admitted"
    if role == "outsider" or (target == "other organization" and role != "super"):
        return 404
    return "admitted" if role in (endpoint.readers if endpoint.verb == "get" else GOVERNORS) else 403


def key_expected(endpoint, kind, target):
    if (endpoint.verb, endpoint.route) in NOT_FOR_CLIENT_KEYS and kind == "client key":
        return 403
    if not endpoint.is_about_one:
        return "admitted"
    reached = REACHED[kind]
    if not endpoint.is_of_client and kind == "client key":
        # what is the organization's, its clients share
        reached = REACHED["organization key"]
    if target not in reached:
        return 404
    return 403 if endpoint.is_for_people_alone else "admitted"


def test_each_role_reaches_its_organizations(world):
    callers = {role: world.person(role) for role in PEOPLE}
    found = []
    for endpoint in ENDPOINTS:
        for target in targets_of(endpoint):
            for role, caller in callers.items():
                # for people an organization's clients and environments are alike: two roles ask about all
                if target in ALIKE and role not in ("owner", "member"):
                    continue
                answer = world.call(caller, endpoint, target, named=True)
                found += wrongs(endpoint, answer, role_expected(endpoint, role, target), (role, target))
    assert found == []


def test_each_key_reaches_its_client_or_its_organizations_clients_with_just_the_scope(world):
    callers = {}
    found = []
    for endpoint in ENDPOINTS:
        scopes = {Scope.LEADS_READ, *(() if endpoint.scope is ANY_KEY else (endpoint.scope,))}
        for kind in KEY_KINDS:
            wanted = (kind, *sorted(scopes))
            caller = callers[wanted] = callers.get(wanted) or world.key(*wanted)
            for target in targets_of(endpoint):
                answer = world.call(caller, endpoint, target)
                found += wrongs(endpoint, answer, key_expected(endpoint, kind, target), (kind, target))
    assert found == []


def test_a_key_without_the_scope_is_refused_whatever_else_it_holds(world):
    callers = {}
    found = []
    for endpoint in ENDPOINTS:
        if endpoint.scope is ANY_KEY:
            continue
        for kind in ("client key", "organization key"):
            wanted = (kind, *(scope for scope in Scope if scope != endpoint.scope))
            caller = callers[wanted] = callers.get(wanted) or world.key(*wanted)
            for target in ("own", "other organization"):
                answer = world.call(caller, endpoint, target)
                found += wrongs(endpoint, answer, 403, (kind, "without", str(endpoint.scope), target))
                if answer.status_code == 403 and answer.json()["details"]["reason"] != "missing_scope":
                    found.append(f"{endpoint}: {answer.content.decode()}")
    assert found == []


def test_nobody_is_refused(world):
    found = []
    numbers = count(1)
    for headers in ({}, {"Authorization": "Bearer at_nonsense"}, {"Cookie": "sessionid=x"}):

        def ask(method, path, body=None, headers=headers):
            # each from an address of its own, or they would be told 429 for trying
            address = f"10.9.{next(numbers)}.1"
            client = Client(headers=headers, REMOTE_ADDR=address)
            return getattr(client, method)(path, body, content_type="application/json")

        for endpoint in ENDPOINTS:
            found += wrongs(endpoint, world.call(ask, endpoint, "own"), 401, headers)
    assert found == []


def test_no_other_method_is_taken(world):
    caller = world.key("organization key", *Scope)
    taken = {}
    for endpoint in ENDPOINTS:
        taken.setdefault(endpoint.route, (endpoint, set()))[1].add(endpoint.verb)
    found = []
    for endpoint, verbs in taken.values():
        path = world.path(endpoint, "own", named=False)
        for method in METHODS:
            if method not in verbs:
                answer = caller(method, path) if method == "get" else caller(method, path, {})
                if (answer.status_code, answer.json()["error"]) != (405, "METHOD_NOT_ALLOWED"):
                    found.append(f"{method} {endpoint.route}: {answer.status_code}")
                elif {verb.upper() for verb in verbs} - set(answer["Allow"].split(", ")):
                    found.append(f"{method} {endpoint.route}: allows {answer['Allow']}")
    assert found == []


def test_there_are_endpoints_to_ask_and_the_tables_name_what_there_is():
    asked = {(endpoint.verb, endpoint.route) for endpoint in ENDPOINTS}
    assert len(asked) >= 31
    assert asked >= NOT_FOR_CLIENT_KEYS
    assert {endpoint.scope for endpoint in ENDPOINTS} >= {
        Scope.CLIENTS_READ,
        Scope.CLIENTS_WRITE,
        Scope.KEYS_WRITE,
        Scope.WEBHOOKS_READ,
        Scope.WEBHOOKS_WRITE,
        Scope.USAGE_READ,
        *(scope for scope in Scope if scope.startswith(PIPELINE)),
        ANY_KEY,
    }
    assert all(endpoint.is_for_people for endpoint in ENDPOINTS)
