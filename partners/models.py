"""Who takes part: users, organizations, members, API clients, companies, agents; and the audit trail."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from uuid_utils.compat import uuid7

from config.tenancy import Environment
from partners.querysets import CompanyQuerySet, TenantQuerySet

# Ten years.
MAX_RETENTION_DAYS = 3650


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_superuser=True, is_staff=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. `is_superuser`: super-admin of the hub; `is_staff`: ops, may open the admin."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    full_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("ops", default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_any_case"),)

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.full_name or self.email

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] or self.email


class Organization(models.Model):
    """A tenant: one company that has business partners."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=63, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    region = models.CharField(
        max_length=2, default="IL", help_text="ISO 3166 country of national phone numbers"
    )
    recording_retention_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="recordings of calls are erased after so many days; empty: RECORDING_RETENTION_DAYS",
    )
    time_zone = models.CharField(
        max_length=60, default="UTC", help_text="whose days its calendars and years its invoices have"
    )
    transcripts_unmasked = models.BooleanField(
        default=False, help_text="numbers, e-mail addresses and phones stay in transcripts of calls"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                name="organization_recording_retention",
                condition=Q(recording_retention_days__lte=MAX_RETENTION_DAYS),
            ),
        )

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in an organization: owner and manager may govern, member may read."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        MANAGER = "manager", "Manager"
        MEMBER = "member", "Member"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("organization", "user"), name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


GOVERNORS = (Membership.Role.OWNER, Membership.Role.MANAGER)
READERS = (*GOVERNORS, Membership.Role.MEMBER)


class TenantModel(models.Model):
    """A row of one organization in one environment; its table is under forced row-level security."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", editable=False)
    environment = models.CharField(max_length=10, choices=Environment, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Tier(models.TextChoices):
    """Rate-limit tiers of contract 0.3; the numbers are in credentials/limits.py."""

    BASIC = "basic", "Basic"
    STANDARD = "standard", "Standard"
    PREMIUM = "premium", "Premium"
    ENTERPRISE = "enterprise", "Enterprise"


class ApiClient(TenantModel):
    """A business partner of the organization, as a machine: keys, webhooks and requests hang on it.

    Its keys hold no scope beyond `scopes`: a trigger adds to them what a governor gives one of its keys.
    Its webhook secrets are sealed, since they sign (config/encryption.py, purpose "webhook-secret"); without
    one of its own the hub's signs. After a rotation the previous one signs beside it until its end.
    """

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        SUSPENDED = "SUSPENDED", "Suspended"

    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    # The defaults in the database are for the SQL function that issues keys.
    redirect_uris = ArrayField(models.CharField(max_length=2048), default=list, db_default=[], blank=True)
    website = models.CharField(max_length=2048, default="", db_default="", blank=True)
    logo_url = models.CharField(max_length=2048, default="", db_default="", blank=True)
    contact_email = models.EmailField(max_length=254, default="", db_default="", blank=True)
    rate_limit_tier = models.CharField(
        max_length=10, choices=Tier, default=Tier.STANDARD, db_default=Tier.STANDARD
    )
    webhook_url = models.CharField(
        max_length=2048,
        default="",
        db_default="",
        blank=True,
        help_text="where a job's callback goes when the job names no address",
    )
    scopes = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    metadata = models.JSONField(default=dict, db_default={}, blank=True)
    webhook_secret_sealed = models.BinaryField()
    previous_webhook_secret_sealed = models.BinaryField(default=bytes, db_default=b"", blank=True)
    previous_webhook_secret_ends_at = models.DateTimeField(null=True, blank=True)
    # Moves with every change of what its OAuth tokens may do (credentials/snapshots.py).
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = "API client"
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="api_client_newest"
            ),
        )
        constraints = (
            models.UniqueConstraint("organization", "environment", Lower("name"), name="api_client_name"),
            models.CheckConstraint(
                name="api_client_previous_webhook_secret",
                condition=Q(previous_webhook_secret_sealed=b"", previous_webhook_secret_ends_at=None)
                | (~Q(previous_webhook_secret_sealed=b"") & Q(previous_webhook_secret_ends_at__isnull=False)),
            ),
        )

    def __str__(self) -> str:
        return self.name


class Company(TenantModel):
    """A business whose calls are analysed (contract B)."""

    name = models.CharField(max_length=255)
    industry = models.CharField(max_length=120, blank=True)
    contact_email = models.EmailField(max_length=254, blank=True)

    objects = CompanyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "companies"
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="company_newest"),
        )

    def __str__(self) -> str:
        return self.name


class Agent(TenantModel):
    """A person of a company who speaks in its calls."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="agents", db_constraint=False)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=255)
    role = models.CharField(max_length=120, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint("company", Lower("email"), name="agent_email_once_a_company"),)

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """One act that matters: who, what, on what, from where, before and after (without secrets).

    Append-only: the application role can neither update nor delete. `organization` is empty for acts
    on the hub itself. The entries of an organization are a chain: a trigger numbers each and hashes it
    with its predecessor's hash, so an entry changed, removed or slipped in later breaks every hash behind
    it (`manage.py verify_audit`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=254, help_text="a user's e-mail, a key's id or a command")
    action = models.CharField(max_length=80)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=64)
    target_label = models.CharField(max_length=255, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    # Filled by the trigger.
    sequence = models.BigIntegerField(default=0, editable=False)
    hash = models.BinaryField(max_length=32, default=bytes, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit trail"
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="audit_newest"),
            models.Index(fields=("target_type", "target_id", "-created_at"), name="audit_of_target"),
        )

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
