"""Clicks, as they were shipped, and their salts."""

from django.db import models
from uuid_utils.compat import uuid7

from partners.querysets import TenantQuerySet


class Click(models.Model):
    """A visit to a smart link. The table is partitioned by day of `created_at`, which is the id's own time.

    `id` is what the network hears as the click's id; `rewards.selectors.attribution` finds a click by it
    without looking through the days. Bots and prefetches are rows too, since a conversion may name them, but
    are no clicks in any figure.
    """

    class Device(models.TextChoices):
        DESKTOP = "desktop", "Desktop"
        MOBILE = "mobile", "Mobile"
        TABLET = "tablet", "Tablet"
        BOT = "bot", "Bot"
        OTHER = "other", "Other"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField()
    organization_id = models.UUIDField()
    environment = models.CharField(max_length=10)
    client_id = models.UUIDField(null=True)
    campaign_id = models.UUIDField()
    link_id = models.UUIDField()
    user_id = models.CharField(max_length=120, blank=True)
    sub_id = models.CharField(max_length=120, blank=True)
    # Of the address and the day's salt, which is thrown away two days later.
    ip_hash = models.BinaryField(max_length=16)
    device = models.CharField(max_length=10, choices=Device)
    # Where it came from, without the query.
    referrer = models.CharField(max_length=500, blank=True)
    is_bot = models.BooleanField(default=False)
    is_prefetch = models.BooleanField(default=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "rewards_click"
        managed = False

    def __str__(self) -> str:
        return f"click {self.id}"
