"""A subscription tells a client only what the client may read."""

import pytest
from django.urls import reverse

from config import tenancy
from credentials.scopes import Scope
from credentials.services.suspension import organization_change_status
from tests.api_clients import CLIENTS, KeyCaller, terms
from tests.factories import ACTOR, make_key
from tests.partner import Partner
from tests.people import Caller, browser, make_member
from webhooks.dispatcher import drain
from webhooks.models import Subscription

URL = "https://partner.example/hook"
OWN = (Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE)


@pytest.fixture
def owner(organization):
    return Caller(make_member("owner", organization))


@pytest.fixture
def key(organization):
    return make_key(organization, scopes=[*OWN, Scope.LEADS_READ, Scope.LEADS_WRITE])


@pytest.fixture
def webhooks(key):
    return f"{CLIENTS}/{key.key.client_id}/webhooks"


def test_a_client_subscribes_to_nothing_it_could_not_read(owner):
    client = owner("post", CLIENTS, terms(scopes=["leads:read"])).json()
    webhooks = f"{CLIENTS}/{client['id']}/webhooks"
    refused = owner("post", webhooks, {"url": URL, "events": ["lead.created", "job.failed"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "VALIDATION_ERROR")
    assert refused.json()["details"]["events"] == ["The client lacks the scope jobs:read of job.failed."]
    made = owner("post", webhooks, {"url": URL, "events": ["lead.created"]}).json()
    path = f"{webhooks}/{made['id']}"
    assert owner("put", path, {"events": ["job.failed"]}).status_code == 400
    assert owner("get", path).json()["events"] == ["lead.created"]


@pytest.mark.parametrize("events", [["lead.created"], ["lead.*"], ["*"]])
def test_a_client_that_loses_a_scope_hears_no_more_of_it(owner, key, webhooks, receiver, events):
    assert owner("post", webhooks, {"url": receiver.url, "events": events}).status_code == 201
    Partner(key).lead_post()
    drain()
    assert len(receiver.received) == 1
    client = f"{CLIENTS}/{key.key.client_id}"
    assert owner("put", client, {"scopes": ["leads:write"]}).status_code == 200
    assert Partner(key).lead_post().status_code == 201
    drain()
    assert len(receiver.received) == 1


def test_a_suspended_partner_hears_of_nothing(owner, key, webhooks, receiver):
    owner("post", webhooks, {"url": receiver.url, "events": ["*"]})
    assert Partner(key).lead_post().status_code == 201
    client = f"{CLIENTS}/{key.key.client_id}"
    assert owner("put", client, {"status": "SUSPENDED"}).status_code == 200
    drain()
    assert receiver.received == []


def test_a_key_redirects_nothing_that_it_could_not_read(owner, organization, key, webhooks):
    narrow = KeyCaller(make_key(organization, client=key.key.client, scopes=OWN))
    made = owner("post", webhooks, {"url": URL, "events": ["lead.created"]}).json()
    path = f"{webhooks}/{made['id']}"
    refused = narrow("put", path, {"url": "https://elsewhere.example/"})
    assert (refused.status_code, refused.json()["details"]["requiredScope"]) == (403, "leads:read")
    assert owner("get", path).json()["url"] == URL


def test_a_suspended_organization_gets_no_new_endpoint(owner, organization, webhooks):
    with tenancy.operator():
        organization_change_status(organization_id=organization.id, status="suspended", actor=ACTOR)
    answer = owner("post", webhooks, {"url": URL, "events": ["lead.created"]})
    assert answer.status_code == 409
    with tenancy.operator():
        assert not Subscription.objects.exists()


def test_the_form_says_which_event_the_client_may_not_read(organization, key):
    person = browser(make_member("owner", organization))
    form = {"client": str(key.key.client_id), "url": URL, "max_retries": 3, "retry_delay_s": 60}
    form |= {"backoff_multiplier": 2, "timeout_s": 30}
    path = reverse("dashboard-webhook-endpoint-create")
    refused = person.post(path, form | {"events": ["lead.created", "job.failed"]})
    assert refused.status_code == 422
    assert "The client lacks the scope jobs:read of job.failed." in refused.content.decode()
    assert person.post(path, form | {"events": ["lead.created"]}).status_code == 200
    with tenancy.operator():
        endpoint = Subscription.objects.get()
    path = reverse("dashboard-webhook-endpoint-change", args=[endpoint.pk])
    assert person.post(path, form | {"events": ["job.failed"]}).status_code == 422
    assert person.post(path, form | {"events": ["lead.*"]}).status_code == 302
