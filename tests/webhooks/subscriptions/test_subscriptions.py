"""Contract D: webhook subscriptions, from creation to what a receiver gets."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from config import tenancy
from credentials.scopes import Scope
from partners.models import AuditEntry
from tests.api_clients import CLIENTS, KeyCaller
from tests.factories import make_key, make_organization
from tests.people import Caller, make_member
from tests.webhooks.receiver import status
from tests.webhooks.subscriptions.conftest import create
from webhooks.dispatcher import drain
from webhooks.models import Delivery, Subscription

FIELDS = {
    "id", "clientId", "url", "events", "status", "retryConfig", "metadata", "description", "payloadFilters",
    "customHeaders", "ordered", "ratePerSecond", "signatureScheme", "publicKey", "previousSecretEndsAt",
    "failingSince", "disabledAt", "disabledReason", "createdAt", "updatedAt",
}  # fmt: skip
DELIVERY_FIELDS = {
    "id", "subscriptionId", "eventType", "webhookId", "payload", "responseCode", "attemptCount", "status",
    "lastError", "scheduledFor", "deliveredAt", "createdAt",
}  # fmt: skip


def test_creating_answers_the_secret_once_with_the_contracts_defaults(owner, webhooks, client):
    made = create(owner, webhooks, "https://partner.example/hook")
    assert made.keys() == FIELDS | {"secret"}
    assert made["secret"].startswith("whsec_")
    assert made["retryConfig"] == {"maxRetries": 3, "retryDelay": 60, "backoffMultiplier": 2.0, "timeout": 30}
    assert (made["status"], made["clientId"], made["signatureScheme"]) == ("ACTIVE", client["id"], "v1")
    (row,) = owner("get", webhooks).json()["data"]
    assert row.keys() == FIELDS | {"_count"}
    assert row["_count"] == {"deliveries": 0}
    assert owner("get", f"{webhooks}/{made['id']}").json().keys() == FIELDS | {"_count"}
    assert owner("get", f"{CLIENTS}/{client['id']}").json()["webhookSubscriptions"][0]["id"] == made["id"]


def test_an_event_reaches_the_receiver_signed_and_is_listed(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url, customHeaders={"X-Route": "hub"})
    lead = lead_made()
    drain()
    (received,) = receiver.received
    body = Webhook(made["secret"]).verify(received.body, received.headers)
    assert (body["type"], body["data"]["id"]) == ("lead.created", lead["id"])
    assert received.headers["x-route"] == "hub"
    listed = owner("get", f"{webhooks}/{made['id']}/deliveries").json()
    (delivery,) = listed["data"]
    assert delivery.keys() == DELIVERY_FIELDS
    assert (delivery["status"], delivery["responseCode"], delivery["attemptCount"]) == ("DELIVERED", 200, 1)
    assert delivery["payload"] == body
    assert listed["pagination"]["limit"] == 50
    detail = owner("get", f"{webhooks}/{made['id']}/deliveries/{delivery['id']}").json()
    (attempt,) = detail["attempts"]
    assert (attempt["responseCode"], attempt["responseBody"], attempt["success"]) == (200, "ok", True)
    assert attempt["requestHeaders"]["webhook-id"] == delivery["webhookId"]
    assert attempt["requestHeaders"]["X-Route"] == "***", "it may be a password"
    assert owner("get", webhooks).json()["data"][0]["_count"] == {"deliveries": 1}


def test_filters_decide_by_type_and_by_payload(owner, webhooks, lead_made, receiver):
    wants_web = [{"field": "source", "operator": "equals", "value": "web"}]
    create(owner, webhooks, receiver.url, events=["lead.*"], payloadFilters=wants_web)
    lead_made(source="fair")
    wanted = lead_made(source="web")
    drain()
    assert [one.body.count(wanted["id"].encode()) > 0 for one in receiver.received] == [True]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://partner.example/hook"),
        ("url", "https://10.0.0.7/hook"),
        ("url", "https://user:pass@partner.example/"),
        ("url", "ftp://partner.example/"),
        ("url", "https://partner.example/a b"),
        ("url", ""),
        ("events", []),
        ("events", ["lead.exploded"]),
        ("events", ["nobody.*"]),
        ("events", "lead.created"),
        ("retryConfig", {"maxRetries": 11}),
        ("retryConfig", {"timeout": 31}),
        ("retryConfig", {"retryDelay": 0}),
        ("retryConfig", {"backoffMultiplier": 0.5}),
        ("payloadFilters", [{"field": "a", "operator": "like", "value": 1}]),
        ("payloadFilters", {"field": "a"}),
        ("customHeaders", {"Webhook-Id": "mine"}),
        ("customHeaders", {"X-Partner-Signature": "mine"}),
        ("customHeaders", {"Content-Length": "1"}),
        ("customHeaders", {"Host": "else.example"}),
        ("customHeaders", {"X-A": "line\r\nX-B: split"}),
        ("customHeaders", {"X A": "space"}),
        ("customHeaders", {"X-A": "1", "x-a": "2"}),
        ("customHeaders", {f"X-{number}": "1" for number in range(21)}),
        ("ratePerSecond", 0),
        ("signatureScheme", "v2"),
        ("metadata", {"big": "x" * 17_000}),
    ],
)
def test_bad_terms_are_refused_by_name(owner, webhooks, field, value):
    answer = owner("post", webhooks, {"url": "https://partner.example/", "events": ["*"]} | {field: value})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert field in answer.json()["details"]
    assert owner("get", webhooks).json()["data"] == []


def test_a_change_names_only_what_changes(owner, webhooks):
    made = create(
        owner, webhooks, "https://partner.example/hook", retryConfig={"maxRetries": 5, "timeout": 9}
    )
    path = f"{webhooks}/{made['id']}"
    changed = owner("put", path, {"retryConfig": {"timeout": 4}, "description": "CRM"}).json()
    expected = {"maxRetries": 5, "retryDelay": 60, "backoffMultiplier": 2.0, "timeout": 4}
    assert (changed["retryConfig"], changed["description"]) == (expected, "CRM")
    assert changed["url"] == made["url"]
    with tenancy.operator():
        entry = AuditEntry.objects.get(action="subscription.changed")
    assert (entry.before["timeout_s"], entry.after["timeout_s"]) == (9, 4)
    assert owner("put", path, {"timeout": 1}).json()["retryConfig"]["timeout"] == 4


def test_paused_keeps_back_and_resumed_sends(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url)
    path = f"{webhooks}/{made['id']}"
    assert owner("put", path, {"status": "paused"}).json()["status"] == "PAUSED"
    lead = lead_made()
    drain()
    assert receiver.received == []
    assert owner("put", path, {"status": "ACTIVE"}).json()["status"] == "ACTIVE"
    drain()
    (received,) = receiver.received
    assert lead["id"].encode() in received.body


def test_a_disabled_one_says_why_and_starts_afresh(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url)
    path = f"{webhooks}/{made['id']}"
    receiver.answers = [status(410)]
    lead_made()
    drain()
    gone = owner("get", path).json()
    assert (gone["status"], gone["disabledReason"]) == ("DISABLED", "gone")
    assert gone["disabledAt"]
    assert owner("post", f"{path}/test", {}).json()["error"] == "WEBHOOK_NOT_ACTIVE"
    again = owner("put", path, {"status": "ACTIVE"}).json()
    assert (again["status"], again["disabledReason"], again["failingSince"]) == ("ACTIVE", None, None)
    receiver.answers = [status(200)]
    lead_made()
    drain()
    assert len(receiver.received) == 2


def test_both_secrets_verify_while_one_is_rotated(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url)
    path = f"{webhooks}/{made['id']}"
    rotated = owner("post", f"{path}/rotate-secret", {"graceSeconds": 3600}).json()
    assert rotated["secret"] != made["secret"]
    assert rotated["previousSecretEndsAt"]
    lead_made()
    drain()
    (received,) = receiver.received
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(received.body, received.headers)
    with tenancy.operator():
        ended = timezone.now() - timedelta(seconds=1)
        Subscription.objects.filter(id=made["id"]).update(previous_secret_ends_at=ended)
    lead_made()
    drain()
    last = receiver.received[-1]
    Webhook(rotated["secret"]).verify(last.body, last.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(last.body, last.headers)


def test_a_rotation_without_grace_ends_the_old_secret_at_once(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url)
    owner("post", f"{webhooks}/{made['id']}/rotate-secret", {"graceSeconds": 0})
    lead_made()
    drain()
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(receiver.received[0].body, receiver.received[0].headers)
    answer = owner("post", f"{webhooks}/{made['id']}/rotate-secret", {"graceSeconds": 5})
    assert answer.status_code == 400


def test_v1a_verifies_with_the_public_key(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url, signatureScheme="v1a")
    lead_made()
    drain()
    (received,) = receiver.received
    headers = received.headers
    signatures = dict(one.split(",") for one in headers["webhook-signature"].split(" "))
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + received.body
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(made["publicKey"].removeprefix("whpk_")))
    public.verify(base64.b64decode(signatures["v1a"]), message)
    Webhook(made["secret"]).verify(received.body, headers)
    plain = owner("put", f"{webhooks}/{made['id']}", {"signatureScheme": "v1"}).json()
    assert (plain["signatureScheme"], plain["publicKey"]) == ("v1", None)


def test_a_test_event_goes_to_this_endpoint_alone(owner, webhooks, receiver):
    made = create(owner, webhooks, receiver.url)
    create(owner, webhooks, receiver.url, events=["*"])
    answer = owner("post", f"{webhooks}/{made['id']}/test", {})
    assert answer.status_code == 202
    drain()
    (received,) = receiver.received
    assert Webhook(made["secret"]).verify(received.body, received.headers)["type"] == "webhook.test"
    detail = owner("get", f"{webhooks}/{made['id']}/deliveries/{answer.json()['id']}").json()
    assert (detail["status"], len(detail["attempts"])) == ("DELIVERED", 1)


def test_deleting_removes_the_subscription_and_keeps_the_log(owner, webhooks, lead_made, receiver):
    made = create(owner, webhooks, receiver.url)
    lead_made()
    drain()
    assert owner("delete", f"{webhooks}/{made['id']}").status_code == 204
    assert owner("get", f"{webhooks}/{made['id']}").status_code == 404
    with tenancy.operator():
        assert not Delivery.objects.filter(subscription_id=made["id"]).exists()
        assert AuditEntry.objects.filter(action="subscription.deleted", target_id=made["id"]).exists()
    lead_made()
    drain()
    assert len(receiver.received) == 1


def test_lists_filter_search_and_page(owner, webhooks):
    for name in ("alpha", "beta", "gamma"):
        create(owner, webhooks, f"https://{name}.example/hook")
    assert len(owner("get", webhooks, search="ALPHA").json()["data"]) == 1
    assert owner("get", webhooks, status="PAUSED").json()["data"] == []
    assert owner("get", webhooks, status="odd").status_code == 400
    page = owner("get", webhooks, limit=2, sortBy="url", sortOrder="asc").json()
    assert [row["url"][8:13] for row in page["data"]] == ["alpha", "beta."]
    rest = owner(
        "get", webhooks, limit=2, sortBy="url", sortOrder="asc", cursor=page["pagination"]["nextCursor"]
    )
    assert [row["url"][8:13] for row in rest.json()["data"]] == ["gamma"]


def test_the_same_idempotency_key_subscribes_once(organization, client, webhooks):
    caller = Caller(make_member("owner", organization))
    body = '{"url": "https://partner.example/", "events": ["*"]}'
    answers = [
        caller._client.post(
            webhooks, body, content_type="application/json", headers={"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(caller("get", webhooks).json()["data"]) == 1


def test_who_reaches_what(organization, owner, client, webhooks):
    made = create(owner, webhooks, "https://partner.example/hook")
    path = f"{webhooks}/{made['id']}"
    stranger = Caller(make_member("owner", make_organization()))
    for method, where in (("get", webhooks), ("get", path), ("put", path), ("delete", path)):
        assert stranger(method, where, {}).status_code == 404
    for tail in ("deliveries", "replays"):
        assert stranger("get", f"{path}/{tail}").status_code == 404
    assert stranger("post", f"{path}/test", {}).status_code == 404
    member = Caller(make_member("member", organization))
    assert member("get", path).status_code == 200
    assert member("delete", path).status_code == 403
    sibling = KeyCaller(make_key(organization, scopes=[Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE]))
    assert sibling("get", webhooks).status_code == 404
    wide = make_key(organization, scopes=[Scope.WEBHOOKS_READ], organization_wide=True)
    assert KeyCaller(wide)("get", path).status_code == 200
    assert KeyCaller(wide)("delete", path).status_code == 403
    assert owner("get", path).status_code == 200


def test_a_key_subscribes_to_nothing_it_could_not_read(organization):
    issued = make_key(organization, scopes=[Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE, Scope.LEADS_READ])
    caller = KeyCaller(issued)
    mine = f"{CLIENTS}/{issued.key.client_id}/webhooks"
    assert caller("post", mine, {"url": "https://p.example/", "events": ["lead.created"]}).status_code == 201
    refused = caller("post", mine, {"url": "https://p.example/", "events": ["*"]})
    missing = refused.json()["details"]["requiredScope"]
    assert (refused.status_code, missing in set(Scope) - {"leads:read"}) == (403, True)


def test_every_event_type_has_a_schema_and_an_example_that_fits(owner):
    kinds = owner("get", "/api/v1/webhook-events").json()["data"]
    assert {"lead.created", "job.completed", "call.analyzed"} <= {kind["name"] for kind in kinds}
    for kind in kinds:
        assert kind.keys() == {"name", "description", "scope", "schema", "example"}
        assert kind["example"]["type"] == kind["name"]
        assert kind["example"]["data"]
        assert (
            kind["schema"]["properties"]["data"]["$ref"].removeprefix("#/$defs/") in kind["schema"]["$defs"]
        )
