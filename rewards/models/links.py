"""Smart links: short addresses that lead to a campaign's offer."""

from django.db import models
from django.db.models import Q

from partners.models import TenantModel
from partners.querysets import TenantQuerySet
from rewards.codes import link_code
from rewards.models.campaigns import Campaign


class SmartLink(TenantModel):
    """`/r/CODE`. Leads to the offer, or to `deep_link` on the offer's own site, with `utm` added.

    `utm` is {"source", "medium", "campaign", "term", "content"}, those that were given. `user_id` and
    `sub_id` are the partner's: whom a reward is for, and whatever tells its placements apart; a click may
    bring others.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="links", db_constraint=False)
    code = models.CharField(max_length=16, unique=True, default=link_code, editable=False)
    deep_link = models.CharField(max_length=2048, blank=True)
    utm = models.JSONField(default=dict, blank=True)
    user_id = models.CharField(max_length=120, blank=True)
    sub_id = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="smart_link_code", condition=Q(code__regex=r"^[0-9A-Za-z]{6,16}$")),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="link_newest"),
            models.Index(fields=("campaign", "-created_at", "-id"), name="link_of_campaign"),
        )

    def __str__(self) -> str:
        return self.code
