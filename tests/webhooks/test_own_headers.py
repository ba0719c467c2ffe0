"""Headers of a receiver's own: sealed at rest, opened for receivers and for those who may change them."""

import pytest

from config import tenancy
from credentials.scopes import Scope
from partners.models import AuditEntry
from tests.api_clients import CLIENTS, KeyCaller, terms
from tests.conftest import owner_connection
from tests.factories import make_key
from tests.people import Caller, make_member
from webhooks.dispatcher import drain
from webhooks.models import BinnedRequest, Subscription

VALUE = "opensesame"
HEADERS = {"X-Key": VALUE, "X-Route": "hub"}
NAMES_ALONE = dict.fromkeys(HEADERS)
OWN = (Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE)


@pytest.fixture
def owner(organization):
    return Caller(make_member("owner", organization))


@pytest.fixture
def webhooks(owner):
    client = owner("post", CLIENTS, terms(scopes=["leads:read", "webhooks:read", "webhooks:write"])).json()
    return f"{CLIENTS}/{client['id']}/webhooks"


def make(owner, webhooks, url, **given):
    body = {"url": url, "events": ["lead.created"], "customHeaders": HEADERS} | given
    answer = owner("post", webhooks, body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def send_test(owner, webhooks, made):
    owner("post", f"{webhooks}/{made['id']}/test", {})
    drain()


def stored(table):
    """Every row of a table as the database prints it, sealed columns too."""
    with owner_connection() as direct:
        return " ".join(row for (row,) in direct.execute(f"SELECT t::text FROM {table} t"))


def test_values_are_sealed_at_rest_and_reach_the_receiver(owner, webhooks, receiver):
    made = make(owner, webhooks, receiver.url)
    assert made["customHeaders"] == HEADERS
    send_test(owner, webhooks, made)
    (received,) = receiver.received
    assert (received.headers["x-key"], received.headers["x-route"]) == (VALUE, "hub")
    tables = ("webhooks_subscription", "webhooks_delivery", "webhook_logs", "partners_auditentry")
    printed = "".join(map(stored, tables))
    assert VALUE not in printed
    assert VALUE.encode().hex() not in printed
    assert "X-Key" in stored("webhooks_subscription")


def test_a_changed_value_is_sent_from_then_on_and_audited_by_name(owner, webhooks, receiver):
    made = make(owner, webhooks, receiver.url)
    path = f"{webhooks}/{made['id']}"
    send_test(owner, webhooks, made)
    changed = owner("put", path, {"customHeaders": HEADERS | {"X-Key": "another"}}).json()
    assert changed["customHeaders"]["X-Key"] == "another"
    owner("put", path, {"customHeaders": HEADERS | {"X-Key": "another"}, "description": ""})
    owner("put", path, {"description": "CRM"})
    send_test(owner, webhooks, made)
    assert [one.headers["x-key"] for one in receiver.received] == [VALUE, "another"]
    assert owner("put", path, {"customHeaders": {}}).json()["customHeaders"] == {}
    send_test(owner, webhooks, made)
    assert "x-key" not in receiver.received[-1].headers
    with tenancy.operator():
        acts = AuditEntry.objects.filter(action="subscription.changed").order_by("sequence")
        assert [entry.after for entry in acts] == [
            {"custom_headers_changed": ["X-Key"]},
            {"description": "CRM"},
            {"custom_headers": [], "custom_headers_changed": ["X-Key", "X-Route"]},
        ]


def test_only_who_may_change_them_sees_the_values(owner, organization, webhooks, receiver):
    made = make(owner, webhooks, receiver.url)
    path = f"{webhooks}/{made['id']}"
    client_id = webhooks.split("/")[-2]

    def seen_by(caller):
        (row,) = caller("get", webhooks).json()["data"]
        one = caller("get", path).json()
        assert row["customHeaders"] == one["customHeaders"]
        return one["customHeaders"]

    def key_with(*scopes):
        with tenancy.operator():
            client = Subscription.objects.select_related("client").get().client
        assert str(client.id) == client_id
        return KeyCaller(make_key(organization, client=client, scopes=scopes))

    assert seen_by(owner) == HEADERS
    assert seen_by(Caller(make_member("manager", organization))) == HEADERS
    assert seen_by(Caller(make_member("super"))) == HEADERS
    assert seen_by(Caller(make_member("member", organization))) == NAMES_ALONE
    assert seen_by(key_with(Scope.WEBHOOKS_READ, Scope.LEADS_READ)) == NAMES_ALONE
    assert seen_by(key_with(*OWN, Scope.LEADS_READ)) == HEADERS
    narrow = key_with(*OWN)
    assert seen_by(narrow) == NAMES_ALONE, "it may not change a webhook whose events it cannot read"
    rotated = narrow("post", f"{path}/rotate-secret", {"graceSeconds": 0})
    assert (rotated.status_code, rotated.json()["customHeaders"]) == (200, NAMES_ALONE)


def test_a_bin_keeps_the_names_alone(owner, webhooks):
    url = owner("post", "/api/v1/request-bins", {"name": "Try"}).json()["url"]
    send_test(owner, webhooks, make(owner, webhooks, url))
    with tenancy.operator():
        (one,) = BinnedRequest.objects.all()
    assert (one.headers["X-Key"], one.headers["X-Route"], one.is_verified) == ("***", "***", True)


def test_what_cannot_be_opened_fails_its_own_delivery_alone(owner, webhooks, receiver):
    broken = make(owner, webhooks, receiver.url)
    with tenancy.operator():
        Subscription.objects.filter(id=broken["id"]).update(custom_headers_sealed=b"not sealed with this key")
    whole = make(owner, webhooks, receiver.url)
    owner("post", f"{webhooks}/{broken['id']}/test", {})
    send_test(owner, webhooks, whole)
    (received,) = receiver.received
    assert received.headers["x-key"] == VALUE
    (failed,) = owner("get", f"{webhooks}/{broken['id']}/deliveries").json()["data"]
    assert (failed["status"], failed["attemptCount"]) == ("FAILED", 1)
