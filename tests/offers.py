"""Rows of a catalogue, written past its services."""

import itertools

from catalog.models import (
    AffiliateNetwork,
    Brand,
    CatalogSync,
    CatalogSyncDifference,
    CatalogSyncFailure,
    Offer,
)
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


def make_run(organization, *, environment="sandbox"):
    """A completed run of a network, that changed an offer and could not take another one in."""
    network = make_network(organization, environment=environment)
    offer = make_offer(organization, environment=environment, network=network)
    tenant = {"organization": organization, "environment": environment}
    with tenancy.tenant(organization.id, environment):
        sync = CatalogSync.objects.create(
            **tenant, network=network, started_by="schedule", status="completed", seen_count=2,
            updated_count=1, failed_count=1, page_count=1, expected_count=2,
        )  # fmt: skip
        CatalogSyncDifference.objects.create(
            **tenant, sync=sync, offer=offer, action="updated", before={"name": "Was"}, after={"name": "Is"}
        )
        CatalogSyncFailure.objects.create(
            **tenant, sync=sync, external_id="9", name="<b>Odd</b>", reasons={"payouts": ["There is none."]},
            received={"id": 9, "title": "<b>Odd</b>"},
        )  # fmt: skip
    return sync
