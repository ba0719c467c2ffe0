"""Policies: what was agreed, for a term."""

from django.db import models
from django.db.models import F, Q

from leads.models import Lead
from partners.models import Agent, ApiClient, TenantModel
from partners.querysets import TenantQuerySet
from pipeline.models.proposals import Proposal
from pipeline.querysets import PolicyQuerySet


class PolicySeries(TenantModel):
    """The last number given in a year. Whoever numbers locks it until its transaction ends."""

    year = models.PositiveSmallIntegerField()
    last_number = models.PositiveIntegerField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policy series"
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment", "year"), name="policy_series_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.year}: {self.last_number}"


class Policy(TenantModel):
    """Cover from the day `starts_on` through the day `ends_on`, for `premium_minor` for the whole term.

    `ends_at` is the end of the last day in the organization's time zone. Triggers refuse to delete one, or to
    change its number.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        ACTIVE = "active", "Active"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="+", db_constraint=False)
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="+", db_constraint=False)
    number = models.CharField(max_length=20)
    # {"name", "email", "phone"}
    holder = models.JSONField()
    product = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    premium_minor = models.PositiveBigIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    endorsements = models.PositiveSmallIntegerField(default=0)
    activated_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    # The first day without cover.
    cancelled_from = models.DateField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    refund_minor = models.PositiveBigIntegerField(null=True)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment", "number"), name="policy_number_once"
            ),
            models.UniqueConstraint(fields=("proposal",), name="policy_of_a_proposal"),
            models.CheckConstraint(name="policy_term", condition=Q(starts_on__lte=F("ends_on"))),
            models.CheckConstraint(
                name="policy_cancelled",
                condition=Q(status="cancelled")
                & Q(cancelled_at__isnull=False, cancelled_from__isnull=False, refund_minor__isnull=False)
                | ~Q(status="cancelled") & Q(cancelled_at=None, cancelled_from=None, refund_minor=None),
            ),
            models.CheckConstraint(
                name="policy_refund",
                condition=Q(refund_minor=None) | Q(refund_minor__lte=F("premium_minor")),
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="policy_newest"),
            models.Index(fields=("lead", "-created_at"), name="policy_lead"),
            models.Index(
                fields=("ends_at",), name="policy_due", condition=Q(status__in=("pending", "active"))
            ),
        )

    def __str__(self) -> str:
        return self.number
