"""A campaign's life: created, paused, resumed, closed."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog.models import Offer
from catalog.selectors import offer_is_open
from config.api.exceptions import BusinessRule
from partners.services.audit import Actor, audit_record
from rewards.exceptions import CampaignTransition, OfferInactive
from rewards.models import Campaign

Status = Campaign.Status
# A closed campaign stays closed: partners were told so.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.ACTIVE: (Status.PAUSED, Status.CLOSED),
    Status.PAUSED: (Status.ACTIVE, Status.CLOSED),
    Status.CLOSED: (),
}


@transaction.atomic
def campaign_create(
    *,
    offer: Offer,
    client_id: UUID | None,
    actor: Actor,
    name: str = "",
    share: int | None = None,
    flat_reward_minor: int | None = None,
    currency: str = "",
) -> Campaign:
    """Start a campaign for an offer, in its organization and environment.

    The end user gets `share` (hundredths of a percent of the commission) or `flat_reward_minor` (of
    `currency`, which is the commission's unless given): exactly one. Raises OfferInactive (422), and
    BusinessRule (422) with `reason` currency_mismatch or flat_reward_above_commission.
    """
    if not offer_is_open(offer, timezone.now()):
        raise OfferInactive
    if flat_reward_minor is not None:
        currency = currency or offer.commission_currency
        _judge_flat_reward(offer, flat_reward_minor, currency)
    campaign = Campaign.objects.create(
        organization_id=offer.organization_id,
        environment=offer.environment,
        offer=offer,
        client_id=client_id,
        name=name or offer.name[:200],
        share=share,
        flat_reward_minor=flat_reward_minor,
        currency=currency if flat_reward_minor is not None else "",
    )
    _record(campaign, "campaign.create", actor, before={}, after=_terms(campaign))
    return campaign


@transaction.atomic
def campaign_update(*, campaign: Campaign, actor: Actor, name: str = "", status: str = "") -> Campaign:
    """Rename, pause, resume or close a campaign; what is empty stays. Its links follow within a second.

    Raises CampaignTransition (409). Asking for the status that it has changes nothing.
    """
    rows = Campaign.objects.for_organization(campaign.organization_id, campaign.environment)
    campaign = rows.select_for_update(of=("self",)).select_related("offer").get(id=campaign.id)
    before = _terms(campaign)
    if status and status != campaign.status:
        allowed = TRANSITIONS[campaign.status]
        if status not in allowed:
            raise CampaignTransition(
                f"The campaign is {campaign.status}.", status=campaign.status, allowed=list(allowed)
            )
        campaign.status = status
    campaign.name = name or campaign.name
    if _terms(campaign) != before:
        campaign.save(update_fields=["name", "status", "updated_at"])
        _record(campaign, "campaign.update", actor, before=before, after=_terms(campaign))
    return campaign


def _judge_flat_reward(offer: Offer, flat_reward_minor: int, currency: str) -> None:
    """A flat commission is known beforehand; of a percentage it is only known what a sale brings."""
    if offer.commission_type != Offer.CommissionType.FLAT:
        return
    if currency != offer.commission_currency:
        raise BusinessRule(
            f"The offer's commission is in {offer.commission_currency}.",
            reason="currency_mismatch",
            currency=offer.commission_currency,
        )
    if flat_reward_minor > offer.commission_value:
        raise BusinessRule(
            "The reward is more than the offer's commission.",
            reason="flat_reward_above_commission",
            commission_minor=offer.commission_value,
        )


def _terms(campaign: Campaign) -> dict[str, Any]:
    return {
        "offer": str(campaign.offer_id),
        "name": campaign.name,
        "share": campaign.share,
        "flat_reward_minor": campaign.flat_reward_minor,
        "currency": campaign.currency,
        "status": str(campaign.status),
    }


def _record(
    campaign: Campaign, action: str, actor: Actor, *, before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=campaign,
        organization_id=campaign.organization_id,
        before=before,
        after=after,
    )
