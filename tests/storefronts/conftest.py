"""A shelf of deals, a site in front of it, and keys for widgets."""

import pytest
from django.test import Client

from storefronts import hosts
from tests.factories import make_client, make_organization
from tests.sites import make_deal, make_publishable_key, make_site

SHOP = "https://shop.example"


@pytest.fixture(autouse=True)
def no_host_is_known_to_be_unknown():
    hosts._unknown.clear()


@pytest.fixture
def tenant():
    """A partner of an organization, in the sandbox."""
    organization = make_organization()
    client = make_client(organization)
    client.organization = organization
    return client


@pytest.fixture
def deal(tenant):
    """Puts an offer on the tenant's shelf, and answers (offer, link)."""

    def put(name="Running shoes", **given):
        return make_deal(tenant, name, **given)

    return put


@pytest.fixture
def site(tenant):
    return make_site(tenant.organization, is_published=True)


@pytest.fixture
def visit(site):
    """Opens a path of the site on its own host name."""

    def get(path="/", *, host=None, method="get", **headers):
        client = Client(raise_request_exception=False)
        return getattr(client, method)(path, headers={"host": host or site.own_hostname, **headers})

    return get


@pytest.fixture
def key(tenant):
    """A publishable key for pages of SHOP."""
    return make_publishable_key(tenant, SHOP)


@pytest.fixture
def widget(key):
    """Asks as a widget in a page of an origin does."""

    def get(path="", *, origin=SHOP, method="get", headers=None, **query):
        sent = ({"origin": origin} if origin else {}) | (headers or {})
        client = Client(raise_request_exception=False)
        if method == "options":
            return client.options(
                f"/v1/widgets/offers{path}", query_params={"key": key.key} | query, headers=sent
            )
        return getattr(client, method)(f"/v1/widgets/offers{path}", {"key": key.key} | query, headers=sent)

    return get
