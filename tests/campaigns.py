"""Campaigns and links, written past their services."""

from config import tenancy
from rewards.models import Campaign, SmartLink
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
