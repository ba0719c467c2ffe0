"""Campaigns: an offer passed on by a partner, and what an end user gets of its commission."""

from django.db import models
from django.db.models import Q

from catalog.models import WHOLE, Offer
from partners.models import ApiClient, TenantModel
from partners.querysets import TenantQuerySet
from rewards.codes import campaign_pid


class Campaign(TenantModel):
    """A client's campaign for an offer.

    The end user gets either `share` of the commission, in hundredths of a percent, or `flat_reward_minor` of
    `currency` a conversion. `pid` is its public name, which the network hears as the sub-publisher.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        CLOSED = "closed", "Closed"

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="campaigns", db_constraint=False)
    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    name = models.CharField(max_length=200)
    pid = models.CharField(max_length=16, unique=True, default=campaign_pid, editable=False)
    share = models.PositiveIntegerField(null=True, blank=True)
    flat_reward_minor = models.PositiveBigIntegerField(null=True, blank=True)
    # Of the flat reward.
    currency = models.CharField(max_length=3, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="campaign_reward",
                condition=Q(share__isnull=False, flat_reward_minor=None, currency="")
                | Q(~Q(currency=""), share=None, flat_reward_minor__isnull=False),
            ),
            models.CheckConstraint(name="campaign_share", condition=Q(share=None) | Q(share__lte=WHOLE)),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="campaign_newest"
            ),
            models.Index(fields=("client", "-created_at", "-id"), name="campaign_of_client"),
            models.Index(fields=("offer",), name="campaign_of_offer"),
        )

    def __str__(self) -> str:
        return self.name
