"""Keys and their secrets, access tokens, idempotency records, and the request log."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from credentials.querysets import ApiKeyQuerySet, RequestLogQuerySet
from credentials.scopes import Scope
from partners.models import ApiClient, Company, TenantModel, Tier, User
from partners.querysets import TenantQuerySet


class ApiKey(TenantModel):
    """A partner's credential: `<key_id>.<secret>`, of which only keyed hashes of the secrets are stored.

    `version` moves with every change, and every process refuses a cached key whose version moved.
    Under contract D a key reaches its own client; one that is `organization_wide` reaches every client of
    the organization in its environment.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        REVOKED = "revoked", "Revoked"

    class SigningMode(models.TextChoices):
        NONE = "none", "None"
        BODY = "body", "Body"
        TIMESTAMPED = "timestamped", "Timestamped"

    client = models.ForeignKey(ApiClient, models.CASCADE, related_name="api_keys", db_constraint=False)
    name = models.CharField(max_length=255, db_column="partner_name")
    key_id = models.CharField(max_length=40, unique=True)
    scopes = ArrayField(models.CharField(max_length=40, choices=Scope), default=list)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    expires_at = models.DateTimeField(null=True, blank=True)
    company = models.ForeignKey(
        Company, models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False
    )
    ip_allowlist = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    tier = models.CharField(max_length=10, choices=Tier, default=Tier.STANDARD)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    daily_quota = models.PositiveIntegerField(null=True, blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    signing_mode = models.CharField(max_length=12, choices=SigningMode, default=SigningMode.NONE)
    # Sealed, since it verifies; config/encryption.py, purpose "signing-secret". Empty without signing.
    signing_secret_sealed = models.BinaryField(default=bytes, blank=True)
    # After a rotation, what verifies beside it until its end.
    previous_signing_secret_sealed = models.BinaryField(default=bytes, db_default=b"", blank=True)
    previous_signing_secret_ends_at = models.DateTimeField(null=True, blank=True)
    # Empty: any. Offers and brands stand in an app above this one, so these are no foreign keys. The
    # defaults in the database are for the SQL function that issues keys.
    offer_allowlist = ArrayField(models.UUIDField(), default=list, db_default=[], blank=True)
    brand_allowlist = ArrayField(models.UUIDField(), default=list, db_default=[], blank=True)
    organization_wide = models.BooleanField(default=False, db_default=False)
    metadata = models.JSONField(default=dict, db_default={}, blank=True)
    version = models.PositiveIntegerField(default=1)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_by = models.CharField(max_length=254, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        db_table = "partner_api_keys"
        verbose_name = "API key"
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="api_key_newest"),
        )
        constraints = (
            models.CheckConstraint(
                name="api_key_signing_secret",
                condition=Q(signing_mode="none") | ~Q(signing_secret_sealed=b""),
            ),
            models.CheckConstraint(
                name="api_key_previous_signing_secret",
                condition=Q(previous_signing_secret_sealed=b"", previous_signing_secret_ends_at=None)
                | (~Q(previous_signing_secret_sealed=b"") & Q(previous_signing_secret_ends_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="api_key_requests_per_minute",
                condition=Q(requests_per_minute__isnull=True) | Q(requests_per_minute__gte=1),
            ),
            models.CheckConstraint(
                name="api_key_organization_wide",
                condition=Q(organization_wide=False) | Q(company__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.key_id})"


class ApiKeySecret(TenantModel):
    """One secret of a key; after a rotation two are live until the older one's `expires_at`."""

    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="secrets", db_constraint=False)
    hash = models.BinaryField(max_length=32, unique=True)
    last_four = models.CharField(max_length=4)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        db_table = "partner_api_key_secrets"
        indexes = (models.Index(fields=("api_key",), name="api_key_secret_of_key"),)

    def __str__(self) -> str:
        return f"…{self.last_four}"


class AccessToken(models.Model):
    """A person's bearer token for the governance endpoints; only its keyed hash is stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="access_tokens")
    label = models.CharField(max_length=120, blank=True)
    hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.label or str(self.id)


class StoredAnswer(models.Model):
    """The first answer to a write, committed with its effect and replayed for 24 hours (contract 0.4).

    The body is sealed, since issuing a key answers its secret (config/encryption.py, purpose
    "idempotent-answer").
    """

    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    response_status = models.PositiveSmallIntegerField()
    response_headers = models.JSONField(default=dict)
    response_sealed = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key


class IdempotencyRecord(TenantModel, StoredAnswer):
    """The answer to a key's call; keys of one client share it."""

    client = models.ForeignKey(ApiClient, models.CASCADE, related_name="+", db_constraint=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("client", "key"), name="idempotency_key_once"),)
        indexes = (models.Index(fields=("expires_at",), name="idempotency_expiry"),)


class PersonIdempotencyRecord(StoredAnswer):
    """The answer to a person's call, and the roles they had: without them nothing is replayed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    roles = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="person_idempotency_key_once"),)
        indexes = (models.Index(fields=("expires_at",), name="person_idempotency_expiry"),)


class RequestLog(models.Model):
    """One API request, refused ones included. The table is partitioned by day of `created_at`.

    Requests that carried no known key belong to no organization; only operators see them. Those of a person's
    access token or session are among them, with the person.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField()
    organization_id = models.UUIDField(null=True)
    environment = models.CharField(max_length=10, blank=True)
    client_id = models.UUIDField(null=True)
    partner_api_key_id = models.UUIDField(null=True)
    key_id = models.CharField(max_length=40, blank=True)
    method = models.CharField(max_length=10)
    endpoint = models.CharField(max_length=200, help_text="the route's template, not the path")
    path = models.CharField(max_length=500)
    response_status = models.PositiveSmallIntegerField()
    error_code = models.CharField(max_length=40, blank=True)
    response_time_ms = models.FloatField()
    request_id = models.CharField(max_length=128)
    ip = models.GenericIPAddressField(null=True)
    request_bytes = models.PositiveBigIntegerField(default=0)
    response_bytes = models.PositiveBigIntegerField(default=0)
    # no foreign key: the log outlives accounts
    user_id = models.UUIDField(null=True)

    objects = RequestLogQuerySet.as_manager()

    class Meta:
        db_table = "partner_api_requests"
        managed = False
        verbose_name = "request"

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.response_status}"
