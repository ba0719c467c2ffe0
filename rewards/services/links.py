"""Smart links: made, paused, resumed."""

from django.db import transaction
from django.utils import timezone

from catalog.selectors import offer_is_open
from config.api.exceptions import BusinessRule
from partners.services.audit import Actor, audit_record
from rewards.addresses import is_on_site, network_address
from rewards.exceptions import CampaignClosed, OfferInactive
from rewards.models import Campaign, SmartLink


@transaction.atomic
def link_create(
    *,
    campaign: Campaign,
    actor: Actor,
    deep_link: str = "",
    utm: dict[str, str] | None = None,
    user_id: str = "",
    sub_id: str = "",
) -> SmartLink:
    """Make a smart link of a campaign. A paused campaign's link works once the campaign does.

    Raises CampaignClosed (422), OfferInactive (422), and BusinessRule (422) with `reason`
    deep_link_not_allowed (not on the offer's own site) or offer_has_no_address.
    """
    rows = Campaign.objects.for_organization(campaign.organization_id, campaign.environment)
    # whoever closes it waits for us, or has closed it already
    campaign = (
        rows.select_for_update(of=("self",), no_key=True)
        .select_related("offer__network", "offer__brand")
        .get(id=campaign.id)
    )
    offer = campaign.offer
    if campaign.status == Campaign.Status.CLOSED:
        raise CampaignClosed
    if not offer_is_open(offer, timezone.now()):
        raise OfferInactive
    if deep_link and not is_on_site(deep_link, offer):
        raise BusinessRule("The deep link is not on the offer's own site.", reason="deep_link_not_allowed")
    link = SmartLink(
        organization_id=campaign.organization_id,
        environment=campaign.environment,
        campaign=campaign,
        deep_link=deep_link,
        utm={name: value for name, value in (utm or {}).items() if value},
        user_id=user_id,
        sub_id=sub_id,
    )
    if not network_address(offer, campaign, code=link.code, deep_link=deep_link, utm=link.utm):
        raise BusinessRule("The offer has no address to send people to.", reason="offer_has_no_address")
    link.save()
    audit_record(
        actor=actor,
        action="link.create",
        target=link,
        organization_id=link.organization_id,
        after={"campaign": str(campaign.id), "deep_link": deep_link, "utm": link.utm},
    )
    return link


@transaction.atomic
def link_set_status(*, link: SmartLink, status: str, actor: Actor) -> SmartLink:
    """Pause or resume a link: within a second in every process.

    Asking for the status that it has changes nothing.
    """
    rows = SmartLink.objects.for_organization(link.organization_id, link.environment)
    link = rows.select_for_update(of=("self",)).get(id=link.id)
    before = link.status
    if before != status:
        link.status = status
        link.save(update_fields=["status", "updated_at"])
        audit_record(
            actor=actor,
            action="link.update",
            target=link,
            organization_id=link.organization_id,
            before={"status": before},
            after={"status": status},
        )
    return link
