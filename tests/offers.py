"""Rows of a catalogue, written past its services."""

import itertools

from catalog.models import AffiliateNetwork, Brand, Offer
from config import tenancy
from config.encryption import seal

_numbers = itertools.count(1)


def make_network(organization, *, environment="sandbox", credentials=b'{"api_key": "a-key"}', **fields):
    number = next(_numbers)
    with tenancy.tenant(organization.id, environment):
        return AffiliateNetwork.objects.create(
            organization=organization,
            environment=environment,
            credentials_sealed=seal(credentials, purpose="network-credentials"),
            **{
                "name": f"Network {number}",
                "slug": f"network-{number}",
                "adapter": "trackier",
                "base_url": "https://api.trackier.example",
                "link_template": "https://go.network.example/click?campaign_id={offer_id}"
                "&pub_id={publisher_id}&p1={click_id}",
                "publisher_id": "77",
            }
            | fields,
        )


def make_brand(organization, *, environment="sandbox", **fields):
    number = next(_numbers)
    with tenancy.tenant(organization.id, environment):
        return Brand.objects.create(
            organization=organization,
            environment=environment,
            **{"name": f"Brand {number}", "slug": f"brand-{number}"} | fields,
        )


def make_offer(organization, *, environment="sandbox", brand=None, **fields):
    """An active offer of a brand (a new one unless told), 10 % unless told otherwise."""
    number = next(_numbers)
    brand = brand or make_brand(organization, environment=environment)
    if fields.get("network"):
        fields.setdefault("external_id", str(number))
    with tenancy.tenant(organization.id, environment):
        return Offer.objects.create(
            organization=organization,
            environment=environment,
            brand=brand,
            brand_name=brand.name,
            **{
                "name": f"Offer {number}",
                "slug": f"offer-{number}",
                "category": "fashion",
                "commission_type": "percentage",
                "commission_value": 1_000,
                "commission_currency": "USD",
            }
            | fields,
        )
