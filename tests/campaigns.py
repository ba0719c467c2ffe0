"""Campaigns and links, written past their services."""

import secrets

from config import tenancy
from rewards.models import Campaign, Conversion, SmartLink
from tests.factories import make_client, make_organization
from tests.offers import make_network, make_offer


def make_campaign(organization=None, *, offer=None, client=None, environment="sandbox", **fields):
    organization = organization or make_organization()
    offer = offer or make_offer(
        organization, environment=environment, network=make_network(organization, environment=environment)
    )
    client = client or make_client(organization, environment=environment)
    with tenancy.tenant(organization.id, environment):
        return Campaign.objects.create(
            organization=organization,
            environment=environment,
            offer=offer,
            client=client,
            **{"name": "Spring", "share": 4_000} | fields,
        )


def make_link(campaign, **fields):
    with tenancy.tenant(campaign.organization_id, campaign.environment):
        return SmartLink.objects.create(
            organization_id=campaign.organization_id,
            environment=campaign.environment,
            campaign=campaign,
            **fields,
        )


def make_conversion(campaign, *, status="approved", commission_minor=1_000, **fields):
    """A conversion of a campaign; an approved one is booked, half of it for the user."""
    parts = {}
    if status == "approved":
        user, platform = commission_minor // 2, commission_minor // 5
        parts = {
            "user_minor": user,
            "platform_minor": platform,
            "partner_minor": commission_minor - user - platform,
        }
    with tenancy.tenant(campaign.organization_id, campaign.environment):
        return Conversion.objects.create(
            organization_id=campaign.organization_id,
            environment=campaign.environment,
            network_id=campaign.offer.network_id,
            network_transaction_id=secrets.token_hex(8),
            campaign=campaign,
            offer=campaign.offer,
            client_id=campaign.client_id,
            status=status,
            payout_minor=commission_minor,
            payout_currency="USD",
            commission_minor=commission_minor,
            **{"currency": "USD"} | parts | fields,
        )
