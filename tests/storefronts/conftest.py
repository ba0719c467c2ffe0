"""A shelf of deals, a site in front of it, and keys for widgets."""

import pytest
from django.test import Client

from config import tenancy
from storefronts import hosts
from storefronts.services.publishable_keys import publishable_key_issue
from tests.campaigns import make_campaign, make_link
from tests.factories import ACTOR, make_client, make_organization
from tests.offers import make_brand, make_offer
from tests.sites import make_site


@pytest.fixture(autouse=True)
def no_host_is_known_to_be_unknown():
    hosts._unknown.clear()


@pytest.fixture
def tenant():
    """An organization's partner, in the sandbox."""
    organization = make_organization()
    client = make_client(organization)
    client.organization = organization
    return client


@pytest.fixture
def deal(tenant):
    """Puts an offer on the tenant's shelf, and answers (offer, link)."""

    def put(name="Running shoes", *, share=4_000, link=None, **fields):
        brand = make_brand(tenant.organization, name=fields.pop("brand_name", "Stride"))
        offer = make_offer(tenant.organization, brand=brand, name=name, **fields)
        campaign = make_campaign(tenant.organization, offer=offer, client=tenant, share=share)
        return offer, make_link(campaign, **(link or {}))

    return put


@pytest.fixture
def site(tenant):
    return make_site(tenant.organization, is_published=True)


@pytest.fixture
def visit(site):
    """Opens a path of the site on its own host name."""

    def get(path="/", *, host=None, **headers):
        return Client(raise_request_exception=False).get(
            path, headers={"host": host or site.own_hostname, **headers}
        )

    return get


@pytest.fixture
def key(tenant):
    """A publishable key for pages of https://shop.example."""
    with tenancy.operator():
        return publishable_key_issue(
            client_id=tenant.id, name="Shop", origins=["https://shop.example"], actor=ACTOR
        )


@pytest.fixture
def widget(key):
    """Asks as a widget in a page of an origin does."""

    def get(path="", *, origin="https://shop.example", method="get", headers=None, **query):
        headers = ({"origin": origin} if origin else {}) | (headers or {})
        send = getattr(Client(raise_request_exception=False), method)
        return send(f"/v1/widgets/offers{path}", {"key": key.key} | query, headers=headers)

    return get
