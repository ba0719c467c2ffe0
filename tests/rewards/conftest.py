"""A partner's program at section C, and people who follow its links."""

import json
import secrets

import pytest
from django.conf import settings
from django.test import Client

from rewards.clicks import clicks, clicks_ship
from rewards.targets import targets
from tests.campaigns import make_campaign, make_link
from tests.conversions import make_shop
from tests.factories import make_key
from tests.offers import make_brand, make_network, make_offer

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)


class Program:
    """Calls `/v1` with one key."""

    def __init__(self, issued):
        self.issued = issued
        self.organization_id = str(issued.key.organization_id)
        self._client = Client(raise_request_exception=False, headers={"x-partner-api-key": issued.raw})

    def get(self, path, **query):
        return self._client.get(f"/v1{path}", query)

    def post(self, path, body, **headers):
        return self._client.post(
            f"/v1{path}", json.dumps(body), content_type="application/json", headers=headers
        )

    def patch(self, path, **body):
        return self._client.patch(f"/v1{path}", json.dumps(body), content_type="application/json")

    def campaign(self, offer, **given):
        body = {"offer_id": str(offer.id), "tenant_id": self.organization_id}
        reward = {} if {"share_pct", "flat_reward"} & set(given) else {"share_pct": 40}
        return self.post("/campaigns", body | reward | given)

    def link(self, campaign_id, **given):
        return self.post("/links", {"campaign_id": str(campaign_id), **given})


@pytest.fixture(autouse=True)
def no_clicks_left():
    targets.clear()
    yield
    targets.clear()
    if unshipped := clicks.rotate():
        unshipped.unlink()


@pytest.fixture
def program(key):
    return Program(key)


@pytest.fixture
def offer(organization):
    """An active offer of a network, whose site is shop.example."""
    brand = make_brand(organization, website="https://www.shop.example/")
    return make_offer(organization, brand=brand, network=make_network(organization), external_id="4711")


@pytest.fixture
def link(organization, offer, key):
    """A smart link of a campaign of the key's client."""
    return make_link(make_campaign(organization, offer=offer, client=key.key.client), code=unique_code())


def unique_code():
    return secrets.token_hex(5)


@pytest.fixture
def follow():
    """Follow a link as a browser does, unless told otherwise."""
    client = Client()

    def followed(code, method="get", query="", **headers):
        send = getattr(client, method)
        return send(f"/r/{code}{query}", headers={"User-Agent": BROWSER, **headers})

    return followed


@pytest.fixture
def clicks_shipped():
    """Ship the clicks now instead of within seconds."""

    def ship():
        clicks.rotate()
        return clicks_ship(settings.STATE_DIR / "clicks")

    return ship


@pytest.fixture
def colleague(organization):
    """Another client's program of the same organization."""
    return Program(make_key(organization))


@pytest.fixture
def stranger():
    """Another organization's program."""
    return Program(make_key())


@pytest.fixture
def shop(organization):
    return make_shop(organization)
