"""Demo data: a campaign for an offer of the demo's catalogue, and its link."""

from uuid import UUID

from django.utils import timezone

from catalog.models import Offer
from partners.services.audit import Actor
from rewards.models import Campaign
from rewards.services.campaigns import campaign_create
from rewards.services.links import link_create

NAME = "Newsletter, spring"


def campaign_fill(
    *, organization_id: UUID, environment: str, client_id: UUID, actor: Actor
) -> dict[str, str]:
    """A client's campaign with a link, made once; what the guide calls them, for the file of demo values.

    Nothing where the catalogue has no offer of a network.
    """
    campaigns = Campaign.objects.for_organization(organization_id, environment)
    campaign = campaigns.filter(client_id=client_id, name=NAME).first()
    if campaign is None:
        offers = Offer.objects.for_organization(organization_id, environment).shown().open(at=timezone.now())
        offer = offers.exclude(network=None).select_related("brand").order_by("name", "id").first()
        if offer is None:
            return {}
        campaign = campaign_create(offer=offer, client_id=client_id, name=NAME, share=5_000, actor=actor)
    link = campaign.links.first() or link_create(campaign=campaign, utm={"source": "newsletter"}, actor=actor)
    return {
        "HUB_OFFER_ID": str(campaign.offer_id),
        "HUB_CAMPAIGN_ID": str(campaign.id),
        "HUB_LINK_CODE": link.code,
    }
