"""Sites and shelves for tests."""

import secrets
from pathlib import Path

from config import tenancy
from storefronts.services.publishable_keys import publishable_key_issue
from storefronts.services.sites import site_create
from tests.campaigns import make_campaign, make_link
from tests.factories import ACTOR
from tests.offers import make_brand, make_offer

AXE = Path(__file__).parent / "browser" / "axe"


def make_site(organization, *, environment="sandbox", **terms):
    with tenancy.operator():
        return site_create(
            organization_id=organization.id,
            environment=environment,
            actor=ACTOR,
            **{"slug": f"site-{secrets.token_hex(4)}", "name": "Acme Deals", "tagline": "Money back"} | terms,
        )


def make_publishable_key(client, *origins, **terms):
    with tenancy.operator():
        return publishable_key_issue(
            **{"client_id": client.id, "name": "Shop", "origins": origins, "actor": ACTOR} | terms
        )


def make_deal(client, name="Running shoes", *, brand="Stride", share=4_000, link=None, **fields):
    """An offer on the shelf of a client: with a campaign, and a link to it. Answers (offer, link)."""
    organization, environment = client.organization, client.environment
    maker = make_brand(organization, environment=environment, name=brand)
    offer = make_offer(organization, environment=environment, brand=maker, name=name, **fields)
    campaign = make_campaign(organization, environment=environment, offer=offer, client=client, share=share)
    return offer, make_link(campaign, **(link or {}))
