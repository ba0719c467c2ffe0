"""Contract D: making, finding, changing and deleting API clients."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import tenancy
from partners.models import ApiClient
from tests.api_clients import CLIENTS, KEYS, KeyCaller, client_acts, rows, terms
from tests.factories import make_client, make_key, make_organization
from tests.people import Caller, make_member
from tests.webhooks.rows import make_subscription

FIELDS = {
    "id", "organizationId", "environment", "name", "description", "redirectUris", "website", "logoUrl",
    "contactEmail", "rateLimitTier", "webhookUrl", "scopes", "metadata", "status", "webhookSecret",
    "createdAt", "updatedAt", "apiKeys", "webhookSubscriptions",
}  # fmt: skip


@pytest.fixture
def owner(organization):
    return Caller(make_member("owner", organization))


@pytest.fixture
def make(owner):
    def build(**given):
        answer = owner("post", CLIENTS, terms(**given))
        assert answer.status_code == 201, answer.content
        return answer.json()

    return build


# --- Making --------------------------------------------------------------------------


def test_a_client_is_answered_as_the_contract_names_it(owner, organization):
    body = {
        "name": "Acme Mobile",
        "description": "The app",
        "redirectUris": ["https://acme.example/cb", "http://127.0.0.1:8017/cb", "https://acme.example/cb"],
        "website": "https://acme.example",
        "logoUrl": "https://acme.example/logo.png",
        "contactEmail": "dev@acme.example",
        "rateLimitTier": "pREMIUM",
        "webhookUrl": "https://acme.example/hook",
        "scopes": ["usage:read", "leads:read", "leads:read"],
        "metadata": {"plan": {"seats": 3}},
    }
    answer = owner("post", CLIENTS, body)
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == FIELDS
    expected = body | {
        "organizationId": str(organization.id),
        "environment": "sandbox",
        "redirectUris": body["redirectUris"][:2],
        "rateLimitTier": "PREMIUM",
        "scopes": ["leads:read", "usage:read"],
        "status": "ACTIVE",
        "apiKeys": [],
        "webhookSubscriptions": [],
    }
    assert {name: made[name] for name in expected} == expected
    assert made["webhookSecret"].startswith("whsec_")
    assert owner("get", f"{CLIENTS}/{made['id']}").json() == made
    assert [act for act, _, _ in client_acts(made["id"])] == ["client.created"]
    assert made["webhookSecret"] not in str(client_acts(made["id"]))


def test_what_is_not_given_is_null_or_its_default(make):
    made = make(description=None, website="")
    assert [made[name] for name in ("description", "website", "logoUrl", "webhookUrl")] == [None] * 4
    assert (made["rateLimitTier"], made["scopes"], made["metadata"]) == ("STANDARD", [], {})


REFUSED_URIS = (
    "http://acme.example/cb", "https://acme.example/cb#x", "https://acme.example/#", "https://*.acme.example/cb",
    "https://acme.example/*", "http://localhost:80/cb", "http://127.0.0.2/cb", "http://10.0.0.1/cb",
    "com.acme.app:/cb", "javascript:alert(1)", "//acme.example/cb", "/cb", "https://", "https:///cb",
    "https://me@acme.example/cb", "https://me:pw@acme.example/", "https://acme.example:99999/",
    "https://a b.example/", "https://acme.example\\@evil.example/", "https://acme.example/\u202e",
    "https://acmé.example/", "ftp://acme.example",
    "https://[::1", "https://acme.example/" + "x" * 2048, "", 7, None, ["https://acme.example"],
)  # fmt: skip


@pytest.mark.parametrize("uri", REFUSED_URIS)
def test_a_redirect_uri_that_oauth_could_not_trust_is_refused(owner, uri):
    answer = owner("post", CLIENTS, terms(redirectUris=["https://acme.example/cb", uri]))
    assert answer.status_code == 400
    assert list(answer.json()["details"]["redirectUris"]) == ["1"]
    assert rows(ApiClient) == []


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/cb", "http://[::1]:9/cb", "https://a.example:8443/cb?next=1"]
)
def test_a_redirect_uri_of_an_app_or_a_machine_is_taken(make, uri):
    assert make(redirectUris=[uri])["redirectUris"] == [uri]


REFUSED = {
    "name": ["", "x" * 256, None, {}],
    "redirectUris": [[], None, "https://a.example", ["https://a.example/"] * 21],
    "contactEmail": ["", None, "nobody", "x" * 250 + "@a.example"],
    "website": ["javascript:alert(1)", "acme", "ftp://acme.example"],
    "logoUrl": ["http://acme.example/logo.png", "data:image/png;base64,AA=="],
    "webhookUrl": ["http://acme.example/", "https://10.0.0.1/", "https://169.254.169.254/", "https://a.example/#x",
                   "http://user:pw@a.example/", "file:///etc/passwd"],
    "rateLimitTier": ["gold", "", 1, None],
    "scopes": [["leads:read", "no:such"], "leads:read", [None], ["leads:read"] * 101],
    "metadata": [[], "x", {"x": "y" * 16_384}, {"n": 2**64}, {"n": 10**80}],
    "environment": ["staging"],
    "organizationId": ["acme", 5],
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), [(name, value) for name in REFUSED for value in REFUSED[name]])
def test_a_bad_field_is_named_and_nothing_is_made(owner, make, field, value):
    answer = owner("post", CLIENTS, terms(**{field: value}))
    assert answer.status_code == 400
    assert field in answer.json()["details"]
    assert rows(ApiClient) == []
    if field in ("environment", "organizationId"):
        return
    made = make()
    answer = owner("put", f"{CLIENTS}/{made['id']}", {field: value})
    assert (answer.status_code, next(iter(answer.json()["details"]))) == (400, field)
    assert owner("get", f"{CLIENTS}/{made['id']}").json() == made


@pytest.mark.parametrize("field", ["name", "redirectUris", "contactEmail"])
def test_what_is_required_is_asked_for(owner, field):
    answer = owner("post", CLIENTS, {name: value for name, value in terms().items() if name != field})
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == {field, "retryable"}


def test_a_name_is_taken_once_an_environment_whatever_its_case(owner, make):
    make(name="Acme")
    answer = owner("post", CLIENTS, terms(name="ACME"))
    assert (answer.status_code, answer.json()["error"]) == (409, "CONFLICT")
    assert make(name="Acme", environment="production")["environment"] == "production"
    other = make(name="Globex")
    assert owner("put", f"{CLIENTS}/{other['id']}", {"name": "acme"}).status_code == 409
    assert owner("get", f"{CLIENTS}/{other['id']}").json()["name"] == "Globex"


def test_a_suspended_organization_gets_no_client(owner, organization):
    with tenancy.operator():
        type(organization).objects.filter(id=organization.id).update(status="suspended")
    assert owner("post", CLIENTS, terms()).status_code == 409


def test_the_same_idempotency_key_makes_one_client(organization):
    key = make_key(organization, scopes=["clients:write", "leads:read"], organization_wide=True)
    body = terms()
    owner = Caller(make_member("owner", organization))
    for headers in ({"Authorization": f"Bearer {key.raw}"}, owner._client.defaults):
        headers = {"Authorization": headers.get("Authorization") or headers["HTTP_AUTHORIZATION"]}
        headers["Idempotency-Key"] = "same"
        body = terms()
        first, second = (
            Client(headers=headers).post(CLIENTS, json.dumps(body), content_type="application/json")
            for _ in range(2)
        )
        assert (first.status_code, first.content) == (201, second.content)
        assert second["Idempotent-Replayed"] == "true"
        assert len(rows(ApiClient, name=body["name"])) == 1
        other = Client(headers=headers).post(CLIENTS, json.dumps(terms()), content_type="application/json")
        assert (other.status_code, other.json()["error"]) == (409, "IDEMPOTENCY_CONFLICT")


# --- Finding -------------------------------------------------------------------------


def test_lists_search_filter_sort_and_page(owner, make, organization):
    for name in ("Acme", "Globex", "Initech"):
        make(name=name, description=f"{name} of the north", contactEmail=f"dev@{name.lower()}.example")
    make(name="Acme", environment="production")
    make_client(make_organization(), name="Acme")
    globex = rows(ApiClient, name="Globex")[0]
    owner("put", f"{CLIENTS}/{globex.id}", {"status": "SUSPENDED"})

    def names(**query):
        answer = owner("get", CLIENTS, **query)
        assert answer.status_code == 200, answer.content
        return [client["name"] for client in answer.json()["data"]]

    assert names() == ["Acme", "Initech", "Globex", "Acme"]
    assert names(environment="sandbox", sortBy="name", sortOrder="asc") == ["Acme", "Globex", "Initech"]
    assert names(search="glob") == names(search="DEV@GLOBEX") == names(status="suspended") == ["Globex"]
    assert names(search="of the NORTH", status="ACTIVE") == ["Initech", "Acme"]
    assert names(search="%") == names(dateTo="2020-01-01") == []
    assert len(names(dateFrom="2020-01-01")) == 4
    seen, cursor = [], {}
    while True:
        answer = owner("get", CLIENTS, limit=3, sortBy="name", sortOrder="asc", **cursor).json()
        seen += [client["name"] for client in answer["data"]]
        assert answer["pagination"]["total"] == 4
        if not answer["pagination"]["nextCursor"]:
            break
        cursor = {"cursor": answer["pagination"]["nextCursor"]}
    assert seen == ["Acme", "Acme", "Globex", "Initech"]
    for bad in ({"status": "gone"}, {"sortBy": "webhookSecret"}, {"environment": "x"}, {"limit": 101}):
        assert owner("get", CLIENTS, **bad).status_code == 400


def test_a_list_shows_no_secret_and_costs_the_same_for_many(owner, make):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            listed = owner("get", CLIENTS).json()["data"]
        assert {client["webhookSecret"] for client in listed} == {None}
        assert {len(client["apiKeys"]) for client in listed} == {1}
        return len(captured), len(listed)

    counts = []
    for _ in range(2):
        for _ in range(4):
            client = make(scopes=["leads:read"])
            owner("post", KEYS, {"clientId": client["id"], "name": "k"})
        counts.append(queries())
    assert counts == [(counts[0][0], 4), (counts[0][0], 8)]


def test_a_client_shows_its_keys_and_subscriptions(owner, organization):
    client = make_client(organization)
    key = make_key(organization, name=client.name).key
    subscription = make_subscription("https://acme.example/hook", client=client)
    shown = owner("get", f"{CLIENTS}/{client.id}").json()
    assert [shown_key["keyId"] for shown_key in shown["apiKeys"]] == [key.key_id]
    assert "key" not in shown["apiKeys"][0]
    (webhook,) = shown["webhookSubscriptions"]
    assert (webhook["id"], webhook["status"]) == (str(subscription.id), "ACTIVE")
    assert "secret" not in webhook


# --- Where ------------------------------------------------------------------------------


def test_an_organization_key_makes_clients_in_its_own_environment(organization):
    key = KeyCaller(
        make_key(organization, scopes=["clients:write"], organization_wide=True, environment="production")
    )
    assert key("post", CLIENTS, terms()).json()["environment"] == "production"
    for wrong in ({"environment": "sandbox"}, {"organizationId": str(make_organization().id)}):
        answer = key("post", CLIENTS, terms(**wrong))
        assert (answer.status_code, answer.json()["details"]["reason"]) == (403, "tenant_mismatch")
    assert len(rows(ApiClient, environment="production")) == 2


def test_super_admins_name_the_organization(organization):
    make_organization()
    admin = Caller(make_member("super"))
    assert admin("post", CLIENTS, terms()).json()["details"]["organizationId"] == ["Name the organization."]
    answer = admin("post", CLIENTS, terms(organizationId=str(organization.id)))
    assert (answer.status_code, answer.json()["organizationId"]) == (201, str(organization.id))
    assert admin("get", CLIENTS).status_code == 400
    assert len(admin("get", CLIENTS, organizationId=str(organization.id)).json()["data"]) == 1
