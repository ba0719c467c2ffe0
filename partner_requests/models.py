"""Generic requests of partners (contract E), their history, and what an onboarding records."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from partner_requests.querysets import PartnerRequestQuerySet
from partners.models import ApiClient, TenantModel
from partners.querysets import TenantQuerySet


class PartnerRequest(TenantModel):
    """Something a partner asked for. A worker runs its type's handler; without one an operator decides.

    It should be settled by `due_at`; `sla_breached_at` says when it was seen not to be.
    """

    class Status(models.TextChoices):
        SUBMITTED = "SUBMITTED", "Submitted"
        PROCESSING = "PROCESSING", "Processing"
        COMPLETED = "COMPLETED", "Completed"
        FAILED = "FAILED", "Failed"

    client = models.ForeignKey(
        ApiClient, models.CASCADE, related_name="partner_requests", db_constraint=False
    )
    type = models.CharField(max_length=60)
    # JSON null is stored as such, never as SQL's
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.SUBMITTED)
    result = models.JSONField(null=True)
    error = models.JSONField(null=True)
    job_id = models.UUIDField(null=True)
    due_at = models.DateTimeField()
    sla_breached_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    objects = PartnerRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "partner request"
        constraints = (
            models.CheckConstraint(
                name="partner_request_settled",
                condition=Q(status__in=("SUBMITTED", "PROCESSING"), settled_at__isnull=True)
                | Q(status__in=("COMPLETED", "FAILED"), settled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="partner_request_error",
                condition=Q(status="FAILED", error__isnull=False)
                | (~Q(status="FAILED") & Q(error__isnull=True)),
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="partner_request_newest"
            ),
            models.Index(
                fields=("due_at",),
                name="partner_request_late",
                condition=Q(status__in=("SUBMITTED", "PROCESSING"), sla_breached_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Transition(TenantModel):
    """A request took a status: when, by whom, and why if a person said so. Append-only."""

    partner_request = models.ForeignKey(
        PartnerRequest, models.CASCADE, related_name="transitions", db_constraint=False
    )
    status = models.CharField(max_length=10, choices=PartnerRequest.Status)
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=254, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.status} {self.at:%Y-%m-%d %H:%M}"


class Onboarding(TenantModel):
    """A partner's onboarding data, as its last completed ONBOARDING request gave it."""

    client = models.OneToOneField(ApiClient, models.CASCADE, related_name="onboarding", db_constraint=False)
    company_name = models.CharField(max_length=255)
    contact_name = models.CharField(max_length=255)
    contact_email = models.EmailField(max_length=254)
    contact_phone = models.CharField(max_length=40, blank=True)
    website = models.CharField(max_length=2048, blank=True)
    country = models.CharField(max_length=2)
    tax_id = models.CharField(max_length=40, blank=True)
    expected_monthly_requests = models.PositiveIntegerField(null=True)
    notes = models.TextField(blank=True)

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return self.company_name
