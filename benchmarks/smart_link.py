"""A smart link to follow, made by the services that make real ones.

`python -m benchmarks.smart_link`, with the hub's settings in the environment, prints JSON.
"""

import json
import sys
from typing import Any

import django

django.setup()

from catalog.models import AffiliateNetwork, Brand, Offer  # noqa: E402 (needs the app registry)
from config import tenancy  # noqa: E402
from config.tenancy import Environment  # noqa: E402
from partners.services.audit import Actor  # noqa: E402
from partners.services.clients import client_get_or_create  # noqa: E402
from partners.services.organizations import organization_create  # noqa: E402
from rewards.addresses import network_address  # noqa: E402
from rewards.services.campaigns import campaign_create  # noqa: E402
from rewards.services.links import link_create  # noqa: E402

ACTOR = Actor("benchmarks")


def smart_link_create() -> dict[str, str]:
    """A link of a campaign of an offer of a network; its code, and an address as long as where it leads."""
    organization = organization_create(name="Redirects", actor=ACTOR)
    with tenancy.operator():
        tenant: dict[str, Any] = {"organization_id": organization.id, "environment": Environment.SANDBOX}
        network = AffiliateNetwork.objects.create(
            name="Network",
            slug="network",
            adapter="trackier",
            base_url="https://api.network.example",
            credentials_sealed=b"none",
            link_template="https://go.network.example/click?campaign_id={offer_id}&pub_id={publisher_id}"
            "&source={source}&p1={click_id}",
            publisher_id="77",
            **tenant,
        )
        brand = Brand.objects.create(name="Brand", slug="brand", **tenant)
        offer = Offer.objects.create(
            name="Offer",
            slug="offer",
            brand=brand,
            brand_name=brand.name,
            network=network,
            external_id="4711",
            commission_type="percentage",
            commission_value=1_000,
            commission_currency="USD",
            **tenant,
        )
        client = client_get_or_create(name="Partner", **tenant)
        campaign = campaign_create(offer=offer, client_id=client.id, share=4_000, actor=ACTOR)
        link = link_create(campaign=campaign, actor=ACTOR)
        location = network_address(offer, campaign, code=link.code).replace("{click_id}", "0" * 32)
    return {"code": link.code, "location": location}


if __name__ == "__main__":
    json.dump(smart_link_create(), sys.stdout)
