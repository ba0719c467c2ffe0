"""The catalogue: affiliate networks, brands, offers, and how they were synchronised."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from catalog.querysets import CatalogSyncQuerySet, OfferQuerySet
from jobs.models import Job
from partners.models import TenantModel
from partners.querysets import TenantQuerySet

# The whole, where shares and percentages are hundredths of a percent.
WHOLE = 10_000


class AffiliateNetwork(TenantModel):
    """A network whose offers the organization passes on: how its API is asked, and how it reports back.

    `adapter` names the class that speaks its API (catalog/adapters). Credentials (JSON, as the adapter
    wants them) and the secret of its postbacks are sealed (config/encryption.py, purposes
    "network-credentials" and "network-postback"). Postbacks come from `postback_ip_allowlist` (addresses and
    CIDR ranges; empty: anywhere). `link_template` is the address a click is sent to, with the macros
    `{offer_id}`, `{publisher_id}` and `{click_id}`.
    """

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63)
    adapter = models.CharField(max_length=40)
    base_url = models.CharField(max_length=2048)
    credentials_sealed = models.BinaryField()
    postback_secret_sealed = models.BinaryField(default=bytes, blank=True)
    postback_ip_allowlist = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    link_template = models.CharField(max_length=2048, blank=True)
    publisher_id = models.CharField(max_length=120, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    # What its offers' end users get of a commission, where nothing else is said; hundredths of a percent.
    default_share = models.PositiveIntegerField(default=5_000)
    is_enabled = models.BooleanField(default=True)
    # 0: only by hand.
    sync_every_minutes = models.PositiveIntegerField(default=60)
    # The last complete reading of its catalogue.
    last_synced_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "environment", "slug"), name="network_slug"),
            models.CheckConstraint(name="network_share", condition=Q(default_share__lte=WHOLE)),
        )

    def __str__(self) -> str:
        return self.name


class Brand(TenantModel):
    """Who makes or sells what is offered. `external_id` is a network's; a brand of our own has neither."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"

    network = models.ForeignKey(
        AffiliateNetwork, models.PROTECT, null=True, blank=True, related_name="brands", db_constraint=False
    )
    external_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, allow_unicode=True)
    logo_url = models.CharField(max_length=2048, blank=True)
    website = models.CharField(max_length=2048, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    # Fields that a person set, which no sync touches any more.
    overridden_fields = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "environment", "slug"), name="brand_slug"),
            models.UniqueConstraint(
                fields=("network", "external_id"), name="brand_of_network", condition=~Q(network=None)
            ),
            models.CheckConstraint(
                name="brand_origin",
                condition=Q(network=None, external_id="") | Q(~Q(external_id=""), network__isnull=False),
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="brand_newest"),
        )

    def __str__(self) -> str:
        return self.name


class Offer(TenantModel):
    """Something that pays a commission when it is bought.

    `commission_value` is in hundredths of a percent of the sale (`percentage`) or in minor units of
    `commission_currency` a conversion (`flat`); `default_share` is what an end user gets of it, in hundredths
    of a percent. Caps are what the network pays for; empty: no cap.

    The columns are what holds. What the network said last is in `network_values`; a field in
    `overridden_fields` holds what a person said instead, and no sync touches it. `is_hidden` is ours alone.
    """

    class CommissionType(models.TextChoices):
        PERCENTAGE = "percentage", "Percentage"
        FLAT = "flat", "Flat"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        ENDED = "ended", "Ended"

    brand = models.ForeignKey(Brand, models.PROTECT, related_name="offers", db_constraint=False)
    # The brand's name, kept by the foreign key itself, so that one index finds both.
    brand_name = models.CharField(max_length=200, editable=False)
    network = models.ForeignKey(
        AffiliateNetwork, models.PROTECT, null=True, blank=True, related_name="offers", db_constraint=False
    )
    external_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=120, allow_unicode=True)
    category = models.CharField(max_length=120, blank=True)
    description = models.TextField(max_length=10_000, blank=True)
    image_urls = ArrayField(models.CharField(max_length=2048), default=list, blank=True)
    tracking_url = models.CharField(max_length=2048, blank=True)
    preview_url = models.CharField(max_length=2048, blank=True)
    commission_type = models.CharField(max_length=10, choices=CommissionType)
    commission_value = models.PositiveBigIntegerField()
    commission_currency = models.CharField(max_length=3)
    default_share = models.PositiveIntegerField(default=5_000)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    is_hidden = models.BooleanField(default=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    # ISO 3166 countries; empty: everywhere.
    regions = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    daily_conversion_cap = models.PositiveIntegerField(null=True, blank=True)
    total_conversion_cap = models.PositiveIntegerField(null=True, blank=True)
    daily_revenue_cap_minor = models.PositiveBigIntegerField(null=True, blank=True)
    total_revenue_cap_minor = models.PositiveBigIntegerField(null=True, blank=True)
    network_values = models.JSONField(default=dict, blank=True)
    overridden_fields = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    # The run that saw it last.
    seen_in_sync = models.UUIDField(null=True, editable=False)
    # English words by their stems, and every word as it stands: that finds Hebrew, and beginnings of words.
    search = models.GeneratedField(
        expression=SearchVector("name", "brand_name", config="simple", weight="A")
        + SearchVector("name", "brand_name", config="english", weight="A")
        + SearchVector("category", "description", config="simple", weight="C")
        + SearchVector("category", "description", config="english", weight="C"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = OfferQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "environment", "slug"), name="offer_slug"),
            models.UniqueConstraint(
                fields=("network", "external_id"), name="offer_of_network", condition=~Q(network=None)
            ),
            models.CheckConstraint(
                name="offer_origin",
                condition=Q(network=None, external_id="") | Q(~Q(external_id=""), network__isnull=False),
            ),
            models.CheckConstraint(
                name="offer_commission",
                condition=~Q(commission_type="percentage") | Q(commission_value__lte=WHOLE),
            ),
            models.CheckConstraint(name="offer_share", condition=Q(default_share__lte=WHOLE)),
            models.CheckConstraint(
                name="offer_dates",
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(starts_at__lt=F("ends_at")),
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="offer_newest"),
            models.Index(fields=("brand", "status"), name="offer_of_brand"),
            models.Index("organization", "environment", Lower("category"), name="offer_category"),
            GinIndex(fields=("search",), name="offer_search"),
        )

    @property
    def has_caps(self) -> bool:
        """Whether the network pays for so much only."""
        caps = (
            self.daily_conversion_cap,
            self.total_conversion_cap,
            self.daily_revenue_cap_minor,
            self.total_revenue_cap_minor,
        )
        return any(cap is not None for cap in caps)

    def __str__(self) -> str:
        return self.name


class CatalogVersion(TenantModel):
    """How often an organization's catalogue changed: moves on in the transaction of each change.

    Whoever changes what partners see of the catalogue holds this row (catalog/versions.py).
    """

    number = models.PositiveBigIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "environment"), name="catalog_version_once"),
        )

    def __str__(self) -> str:
        return f"version {self.number}"


class CatalogSync(TenantModel):
    """One run that reads a network's catalogue, page by page; its job does the work.

    `cursor` is where the next page begins; it moves on in the transaction that wrote the page's rows, so a
    run goes on where its worker died. Pages shift while they are read: what the first reading missed is
    looked for in a second one (`reading_number`), and only what is in neither is ended. Of a catalogue that
    was not read to its end nothing is. One run at a time of a network.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Canceled"

    network = models.ForeignKey(AffiliateNetwork, models.CASCADE, related_name="syncs", db_constraint=False)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    # An e-mail address; "schedule" for the timetable's.
    started_by = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    cursor = models.CharField(max_length=255, blank=True)
    reading_number = models.PositiveSmallIntegerField(default=1)
    # What the present reading met so far.
    reading_count = models.PositiveIntegerField(default=0)
    # Read to the end; what remains is to end what vanished.
    is_read = models.BooleanField(default=False)
    page_count = models.PositiveIntegerField(default=0)
    # As the network says; empty where it does not.
    expected_count = models.PositiveIntegerField(null=True)
    seen_count = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    ended_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    # What held it up last (a rate limit, an outage), or why it failed: {"code", "message", "at"}.
    trouble = models.JSONField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    objects = CatalogSyncQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("network",), name="sync_one_at_a_time", condition=Q(status__in=("queued", "running"))
            ),
            models.CheckConstraint(
                name="sync_sum",
                condition=Q(
                    seen_count=F("created_count")
                    + F("updated_count")
                    + F("unchanged_count")
                    + F("failed_count")
                ),
            ),
        )
        indexes = (models.Index(fields=("network", "-created_at", "-id"), name="sync_newest"),)

    def __str__(self) -> str:
        return f"sync {self.id}"


class CatalogSyncDifference(TenantModel):
    """What a run changed: an offer that came, changed, ended, or came back; with values before and after."""

    class Action(models.TextChoices):
        CREATED = "created", "New"
        UPDATED = "updated", "Changed"
        ENDED = "ended", "Ended"

    sync = models.ForeignKey(CatalogSync, models.CASCADE, related_name="differences", db_constraint=False)
    offer = models.ForeignKey(Offer, models.CASCADE, related_name="differences", db_constraint=False)
    action = models.CharField(max_length=10, choices=Action)
    at = models.DateTimeField(default=timezone.now)
    # Of the changed fields alone; of a new offer {} and everything.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("sync", "id"), name="sync_difference"),
            models.Index(fields=("offer", "-at"), name="offer_difference"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.offer_id}"


class CatalogSyncFailure(TenantModel):
    """An offer that a run could not take in, as the network sent it, and why."""

    sync = models.ForeignKey(CatalogSync, models.CASCADE, related_name="failures", db_constraint=False)
    external_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=255, blank=True)
    # Field by the network's name -> messages.
    reasons = models.JSONField()
    received = models.JSONField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("sync", "id"), name="sync_failure"),)

    def __str__(self) -> str:
        return f"failure {self.external_id}"
