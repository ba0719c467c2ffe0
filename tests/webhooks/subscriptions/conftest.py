"""An owner, a client of theirs with its key, and what makes it an event."""

import uuid

import pytest
from django.test import Client

from tests.api_clients import CLIENTS, terms
from tests.people import Caller, make_member


@pytest.fixture
def owner(organization):
    return Caller(make_member("owner", organization))


@pytest.fixture
def client(owner):
    return owner("post", CLIENTS, terms(scopes=["leads:read", "leads:write"])).json()


@pytest.fixture
def webhooks(client):
    return f"{CLIENTS}/{client['id']}/webhooks"


@pytest.fixture
def partner(owner, client):
    """The client's own key, in the role of its integration."""
    issued = owner("post", "/api/v1/api-keys", {"clientId": client["id"], "name": "Server"}).json()
    return issued["key"]


@pytest.fixture
def lead_made(client, partner, organization):
    """Make a lead with the client's key: the change that `lead.created` tells of."""

    def make(**given):
        body = {"organizationId": str(organization.id), "name": "Ada", "email": "ada@a.example"} | given
        answer = Client().post(
            "/api/partner/v1/leads",
            body,
            content_type="application/json",
            headers={"x-partner-api-key": partner, "Idempotency-Key": uuid.uuid4().hex},
        )
        assert answer.status_code == 201, answer.content
        return answer.json()

    return make


def create(owner, webhooks, url, **given):
    answer = owner("post", webhooks, {"url": url, "events": ["lead.created"]} | given)
    assert answer.status_code == 201, answer.content
    return answer.json()
