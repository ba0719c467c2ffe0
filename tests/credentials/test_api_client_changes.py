"""Contract D: changing, suspending and deleting API clients, and their webhook secrets."""

import pytest
import redis
from django.test import Client
from django.utils import timezone

from config import tenancy
from credentials import snapshots
from credentials.models import ApiKey, IdempotencyRecord, RequestLog
from jobs.models import Job
from leads.models import Lead
from partners.models import ApiClient
from partners.services.clients import webhook_secrets_of
from tests.api_clients import CLIENTS, client_acts, rows, terms
from tests.factories import make_client, make_company, make_key, make_organization
from tests.partner import Partner
from tests.people import Caller, make_member
from tests.webhooks.rows import emit, make_subscription
from webhooks.models import Delivery, Event, Subscription
from webhooks.services import events_fan_out


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


def test_what_is_not_named_stays_and_a_read_client_can_be_sent_back(owner, make):
    made = make(description="Before", scopes=["leads:read"], metadata={"a": 1})
    path = f"{CLIENTS}/{made['id']}"
    assert owner("put", path, made).json() == made
    changed = owner("put", path, {"description": "After", "metadata": {}}).json()
    assert changed | {"updatedAt": made["updatedAt"]} == made | {"description": "After", "metadata": {}}
    assert client_acts(made["id"])[1:] == [
        (
            "client.changed",
            {"description": "Before", "metadata": {"a": 1}},
            {"description": "After", "metadata": {}},
        )
    ]
    moved = owner("put", path, {"environment": "production", "organizationId": str(make_organization().id)})
    assert set(moved.json()["details"]) == {"environment", "organizationId", "retryable"}


def test_suspending_stops_every_key_in_processes_that_had_cached_them(owner, organization):
    client = make_client(organization)
    partners = [Partner(make_key(organization, name=client.name)) for _ in range(2)]
    other = Partner(make_key(organization))
    assert [p.get("/health").status_code for p in (*partners, other)] == [200] * 3
    cached = dict(snapshots._cache)
    path = f"{CLIENTS}/{client.id}"
    assert owner("put", path, {"status": "suspended"}).json()["status"] == "SUSPENDED"
    snapshots._cache.update(cached)
    assert [p.get("/health").status_code for p in (*partners, other)] == [401, 401, 200]
    owner("put", path, {"status": "ACTIVE"})
    assert [p.get("/health").status_code for p in (*partners, other)] == [200] * 3
    assert [act for act, _, _ in client_acts(client.id)] == ["client.suspended", "client.resumed"]


def test_keys_lose_the_scopes_that_their_client_loses(owner, organization):
    client = make_client(organization)
    key = make_key(organization, name=client.name, scopes=["leads:read", "companies:read"])
    partner = Partner(key)
    assert partner.get("/companies").status_code == 200
    assert owner("get", f"{CLIENTS}/{client.id}").json()["scopes"] == ["companies:read", "leads:read"]
    cached = dict(snapshots._cache)
    shown = owner("put", f"{CLIENTS}/{client.id}", {"scopes": ["leads:read", "jobs:read"]}).json()
    assert shown["apiKeys"][0]["scopes"] == ["leads:read"]
    snapshots._cache.update(cached)
    assert partner.get("/companies").status_code == 403
    assert partner.leads().status_code == 200


def test_keys_follow_their_client_to_another_tier(owner, organization):
    client = make_client(organization)
    given = {"name": client.name, "requests_per_minute": None, "scopes": ["leads:read"]}
    follower = Partner(make_key(organization, **given))
    special = Partner(make_key(organization, tier="enterprise", **given))
    assert [p.get("/health")["X-RateLimit-Limit"] for p in (follower, special)] == ["120", "600"]
    owner("put", f"{CLIENTS}/{client.id}", {"rateLimitTier": "basic"})
    assert [p.get("/health")["X-RateLimit-Limit"] for p in (follower, special)] == ["60", "600"]


def test_a_key_from_any_door_gives_its_client_its_scopes(owner, organization):
    key = make_key(organization, name="Acme", scopes=["leads:read"])
    path = f"{CLIENTS}/{key.key.client_id}"
    owner("patch", f"/partner/credentials/{key.key.id}", {"scopes": ["leads:read", "leads:write"]})
    assert owner("get", path).json()["scopes"] == ["leads:read", "leads:write"]
    make_key(organization, name="acme", scopes=["jobs:read"])
    assert owner("get", path).json()["scopes"] == ["jobs:read", "leads:read", "leads:write"]


def test_a_jobs_callback_goes_to_the_clients_address_where_the_job_names_none(owner, organization):
    key = make_key(organization)
    company = make_company(organization)
    partner = Partner(key)
    call = {"audio_file": "UklGRg==", "company_id": str(company.id)}
    partner.post("/calls/analyze", call)
    owner("put", f"{CLIENTS}/{key.key.client_id}", {"webhookUrl": "https://acme.example/jobs"})
    partner.post("/calls/analyze", call)
    partner.post("/calls/analyze", call | {"webhook_url": "https://acme.example/other"})
    with tenancy.operator():
        addresses = list(Job.objects.order_by("created_at").values_list("webhook_url", flat=True))
    assert addresses == ["", "https://acme.example/jobs", "https://acme.example/other"]


# --- Webhook secrets -----------------------------------------------------------------


def secrets_now(client_id):
    with tenancy.operator():
        return webhook_secrets_of(ApiClient.objects.get(id=client_id))


def test_during_a_rotation_two_webhook_secrets_sign(owner, make, time_machine):
    time_machine.move_to(timezone.now())
    made = make()
    path = f"{CLIENTS}/{made['id']}/rotate-webhook-secret"
    first = owner("post", path, {"graceSeconds": 3600})
    assert first.status_code == 200
    assert set(first.json()) == {"clientId", "webhookSecret", "oldWebhookSecretEndsAt"}
    assert secrets_now(made["id"]) == [first.json()["webhookSecret"], made["webhookSecret"]]
    second = owner("post", path, {"graceSeconds": 60}).json()
    assert secrets_now(made["id"]) == [second["webhookSecret"], first.json()["webhookSecret"]]
    assert owner("get", f"{CLIENTS}/{made['id']}").json()["webhookSecret"] == second["webhookSecret"]
    time_machine.shift(61)
    assert secrets_now(made["id"]) == [second["webhookSecret"]]


def test_a_rotation_without_grace_leaves_one_secret(owner, make):
    made = make()
    rotated = owner("post", f"{CLIENTS}/{made['id']}/rotate-webhook-secret", {}).json()
    assert secrets_now(made["id"]) == [rotated["webhookSecret"]]
    action, before, after = client_acts(made["id"])[-1]
    assert (action, before, set(after)) == ("client.webhook_secret_rotated", {}, {"old_secret_ends_at"})


def test_the_hubs_own_secret_is_not_shown_and_signs_on_through_a_rotation(owner, organization, settings):
    client = make_client(organization)
    with tenancy.operator():
        ApiClient.objects.filter(id=client.id).update(webhook_secret_sealed=b"")
    assert owner("get", f"{CLIENTS}/{client.id}").json()["webhookSecret"] is None
    rotated = owner("post", f"{CLIENTS}/{client.id}/rotate-webhook-secret", {"graceSeconds": 60}).json()
    assert secrets_now(client.id) == [rotated["webhookSecret"], settings.WEBHOOK_SECRET]


# --- Deleting ------------------------------------------------------------------------


def test_deleting_takes_keys_and_webhooks_and_keeps_history(owner, organization, shipped):
    key = make_key(organization)
    partner, client = Partner(key), key.key.client
    lead = partner.lead_post().json()
    make_subscription("https://acme.example/hook", client=client)
    emit(client)
    events_fan_out()
    shipped()
    audited = len(client_acts(key.key.id))
    cached = dict(snapshots._cache)
    assert owner("delete", f"{CLIENTS}/{client.id}").status_code == 204
    snapshots._cache.update(cached)
    assert partner.leads().status_code == 401
    for model in (ApiClient, ApiKey, Subscription, Event, Delivery, IdempotencyRecord):
        assert rows(model) == [], model
    assert [row.client_id for row in rows(Lead, id=lead["id"])] == [None]
    assert rows(RequestLog, client_id=client.id)
    assert len(client_acts(key.key.id)) == audited
    action, before, after = client_acts(client.id)[-1]
    assert (action, before["keys"], before["name"], after) == (
        "client.deleted", [key.key.key_id], client.name, {},
    )  # fmt: skip
    assert owner("delete", f"{CLIENTS}/{client.id}").status_code == 404
    assert make_key(organization, name=client.name).key.client_id != client.id


def test_a_key_may_delete_its_own_client_once(organization):
    key = make_key(organization, scopes=["clients:write"])
    client = Client(
        raise_request_exception=False,
        headers={"Authorization": f"Bearer {key.raw}", "Idempotency-Key": "same"},
    )
    path = f"{CLIENTS}/{key.key.client_id}"
    assert [client.delete(path).status_code for _ in range(2)] == [204, 401]
    assert rows(ApiClient) == rows(ApiKey) == []


def test_a_deletion_that_nobody_could_hear_of_is_not_made(owner, organization, monkeypatch):
    key = make_key(organization)

    def down(*args, **kwargs):
        raise redis.ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(snapshots.store, "set", down)
        assert owner("delete", f"{CLIENTS}/{key.key.client_id}").status_code == 503
    assert Partner(key).get("/health").status_code == 200
