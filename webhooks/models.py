"""The outbox: events, who subscribes to them, what is delivered, and each attempt at it."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from uuid_utils.compat import uuid7

from partners.models import ApiClient, Organization, TenantModel
from partners.querysets import TenantQuerySet
from webhooks.matching import filters_match, patterns_matching
from webhooks.querysets import DeliveryQuerySet, SubscriptionQuerySet
from webhooks.registry import event_is_readable


class Event(TenantModel):
    """Something happened: written in the transaction that made it happen, fanned out afterwards.

    `client` is whom it concerns; without one it concerns every client of the organization.
    """

    # Its other keys begin with the organization.
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", editable=False, db_index=False
    )
    type = models.CharField(max_length=80)
    data = models.JSONField()
    client = models.ForeignKey(ApiClient, models.CASCADE, null=True, related_name="+", db_constraint=False)
    subject_id = models.CharField(max_length=64)
    dispatched_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("created_at",), name="event_undispatched", condition=Q(dispatched_at=None)),
            models.Index(fields=("organization", "environment", "-created_at"), name="event_newest"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Subscription(TenantModel):
    """A client's endpoint and the event types it wants: exact names, `lead.*`, or `*`.

    `payload_filters` are conditions on the event's data, all of which must hold. `is_ordered`: one delivery
    at a time, oldest first; a failing one holds back those behind it. During a rotation of the secret (or of
    the Ed25519 key) both the new and the previous one sign, until `previous_secret_ends_at`.
    """

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        PAUSED = "PAUSED", "Paused"
        DISABLED = "DISABLED", "Disabled"

    class DisabledReason(models.TextChoices):
        NONE = "", "Not disabled"
        GONE = "gone", "The receiver answered 410 Gone"
        FAILING = "failing", "Every attempt failed for too long"
        PERSON = "person", "Disabled by a person"

    client = models.ForeignKey(
        ApiClient, models.CASCADE, related_name="webhook_subscriptions", db_constraint=False
    )
    url = models.CharField(max_length=2048)
    event_types = ArrayField(models.CharField(max_length=80))
    # Sealed, since it signs; config/encryption.py, purpose "subscription-secret".
    secret_sealed = models.BinaryField()
    previous_secret_sealed = models.BinaryField(default=bytes)
    # 32 bytes of an Ed25519 private key, sealed (purpose "subscription-key"); empty: no v1a signature.
    signing_key_sealed = models.BinaryField(default=bytes)
    previous_signing_key_sealed = models.BinaryField(default=bytes)
    previous_secret_ends_at = models.DateTimeField(null=True)
    description = models.CharField(max_length=255, blank=True)
    payload_filters = models.JSONField(default=list, blank=True)
    # Headers of the receiver's own: their names, and names with values as sealed JSON (purpose
    # "subscription-headers"; webhooks/secrets.py).
    custom_header_names = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    custom_headers_sealed = models.BinaryField(default=bytes)
    is_ordered = models.BooleanField(default=False)
    rate_per_second = models.PositiveSmallIntegerField(null=True, validators=[MinValueValidator(1)])
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    # The first failure since the last success, and how many; a success empties both.
    failing_since = models.DateTimeField(null=True)
    failing_attempts = models.PositiveIntegerField(default=0)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=10, choices=DisabledReason, blank=True)
    # Disabled by the hub, and nobody was told yet.
    is_notice_due = models.BooleanField(default=False)
    # Dispatchers' own, under the row's lock: when the next attempt may start (`rate_per_second`), and until
    # when one is being made (`is_ordered`).
    paced_until = models.DateTimeField(null=True, editable=False)
    held_until = models.DateTimeField(null=True, editable=False)
    max_retries = models.PositiveSmallIntegerField(default=3, validators=[MaxValueValidator(10)])
    retry_delay_s = models.PositiveIntegerField(default=60, validators=[MinValueValidator(1)])
    backoff_multiplier = models.FloatField(default=2, validators=[MinValueValidator(1)])
    timeout_s = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(30)]
    )
    metadata = models.JSONField(default=dict, blank=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("organization", "environment", "client"), name="subscription_of_client"),
        )

    def __str__(self) -> str:
        return self.url

    def wants(self, event: Event) -> bool:
        """Whether this endpoint should hear of the event; its client must hold the event's scope."""
        mine = event.client_id is None or event.client_id == self.client_id
        same_world = (event.organization_id, event.environment) == (
            self.organization_id,
            self.environment,
        )
        return (
            mine
            and same_world
            and not patterns_matching(event.type).isdisjoint(self.event_types)
            and event_is_readable(event.type, self.client.scopes)
            and filters_match(self.payload_filters, event.data)
        )


class Delivery(TenantModel):
    """One message to one address: the row is the job. `body` is made once, as RFC 8785 canonical
    JSON.

    `webhook_id` is the same in every attempt: the job's id for a job's callback, else the event's.
    `lane` is the endpoint that dispatchers are fair between, inside a client, inside an organization: the
    subscription, or for callbacks a client's deliveries to one host.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        RETRYING = "RETRYING", "Retrying"
        DELIVERED = "DELIVERED", "Delivered"
        FAILED = "FAILED", "Failed"
        CANCELED = "CANCELED", "Canceled"

    # Every index costs each attempt; the constraints and indexes below begin with these three.
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", editable=False, db_index=False
    )
    event = models.ForeignKey(
        Event, models.CASCADE, null=True, related_name="deliveries", db_constraint=False, db_index=False
    )
    subscription = models.ForeignKey(
        Subscription,
        models.CASCADE,
        null=True,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
    )
    client = models.ForeignKey(ApiClient, models.CASCADE, null=True, related_name="+", db_constraint=False)
    lane = models.UUIDField()
    url = models.CharField(max_length=2048)
    event_type = models.CharField(max_length=80)
    webhook_id = models.CharField(max_length=64)
    body = models.TextField()
    async_job_id = models.UUIDField(null=True)
    # When its event happened: the order that ordered subscriptions keep.
    occurred_at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempt_count = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=3)
    retry_delay_s = models.PositiveIntegerField(default=60)
    backoff_multiplier = models.FloatField(default=2)
    timeout_s = models.PositiveSmallIntegerField(default=30)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    response_code = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = (
            models.Index(
                fields=("organization", "lane", "next_attempt_at"),
                name="delivery_open",
                condition=Q(status__in=("PENDING", "RETRYING")),
            ),
            models.Index(
                fields=("lane", "occurred_at", "id"),
                name="delivery_in_order",
                condition=Q(status__in=("PENDING", "RETRYING")),
            ),
            models.Index(
                fields=("async_job_id",), name="delivery_of_job", condition=Q(async_job_id__isnull=False)
            ),
            models.Index(fields=("updated_at",), name="delivery_failed", condition=Q(status="FAILED")),
            models.Index(fields=("-created_at", "-id"), name="delivery_newest"),
            models.Index(fields=("subscription", "-created_at"), name="delivery_of_subscription"),
        )
        constraints = (
            models.UniqueConstraint(fields=("event", "subscription"), name="delivery_once_an_event"),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.webhook_id}"


class Replay(TenantModel):
    """Deliveries of a subscription that are sent again: those since a time, all or the failed ones.

    The row is the work: `behind_id` is the last delivery taken so far, and a worker goes on from there.
    """

    class Status(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        COMPLETED = "COMPLETED", "Completed"
        CANCELED = "CANCELED", "Canceled"

    class Only(models.TextChoices):
        FAILED = "failed", "Failed and canceled ones"
        ALL = "all", "All of them"

    subscription = models.ForeignKey(
        Subscription, models.CASCADE, related_name="replays", db_constraint=False
    )
    since = models.DateTimeField()
    only = models.CharField(max_length=6, choices=Only)
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    total = models.PositiveIntegerField()
    replayed = models.PositiveIntegerField(default=0)
    behind_id = models.UUIDField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("subscription",), name="replay_one_at_a_time", condition=Q(status="RUNNING")
            ),
        )

    def __str__(self) -> str:
        return f"replay of {self.subscription_id} since {self.since:%Y-%m-%d %H:%M}"


class RequestBin(TenantModel):
    """A receiver inside the hub, to try webhooks with: what is sent to `/bins/{token}` is kept to look at."""

    name = models.CharField(max_length=120, blank=True)
    token = models.CharField(max_length=43, unique=True)
    answer_status = models.PositiveSmallIntegerField(default=200)
    expires_at = models.DateTimeField(db_index=True)

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name or f"bin {self.id}"


class BinnedRequest(TenantModel):
    """What a request bin received. `is_verified` is empty where no subscription sends to this bin."""

    request_bin = models.ForeignKey(
        RequestBin, models.CASCADE, related_name="requests", db_constraint=False, db_index=False
    )
    method = models.CharField(max_length=10)
    headers = models.JSONField()
    body = models.TextField(blank=True)
    body_bytes = models.PositiveIntegerField()
    ip = models.GenericIPAddressField(null=True)
    is_verified = models.BooleanField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("request_bin", "-id"), name="binned_newest"),)

    def __str__(self) -> str:
        return f"{self.method} {self.id}"


class Attempt(models.Model):
    """One HTTP request of a delivery and its answer. Partitioned by day; append-only; nothing
    refers to it.

    `webhook_url` to `async_job_id` are named by contract B. Of bodies the first 16 KB are kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization_id = models.UUIDField()
    environment = models.CharField(max_length=10)
    delivery_id = models.UUIDField()
    webhook_url = models.CharField(max_length=2048)
    http_status = models.PositiveSmallIntegerField(null=True)
    attempt_number = models.PositiveIntegerField()
    success = models.BooleanField()
    error_message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    async_job_id = models.UUIDField(null=True)
    latency_ms = models.FloatField()
    error_code = models.CharField(max_length=40, blank=True)
    request_headers = models.JSONField(default=dict)
    request_body = models.TextField(blank=True)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "webhook_logs"
        managed = False

    def __str__(self) -> str:
        return f"attempt {self.attempt_number} of {self.delivery_id}"
