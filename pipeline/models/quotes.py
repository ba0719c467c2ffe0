"""Quotes: what it would cost, in versions."""

from django.db import models
from django.db.models import F, Q

from leads.models import Lead
from partners.models import Agent, ApiClient, TenantModel
from pipeline.querysets import DatedQuerySet

MAX_LINES = 100


class Priced(TenantModel):
    """Something with line items whose totals are the sums of its rounded lines: PostgreSQL sees to it.

    `lines` are as the wire has them: [{"description", "quantity", "unitPriceMinor", "discountMinor",
    "taxRate", "subtotalMinor", "taxMinor", "totalMinor"}]; quantity and rate as text, the amounts as
    integers.
    """

    currency = models.CharField(max_length=3)
    lines = models.JSONField()
    subtotal_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    total_minor = models.PositiveBigIntegerField()
    # [{"rate", "baseMinor", "taxMinor"}]
    taxes = models.JSONField()

    class Meta:
        abstract = True


class Quote(Priced):
    """One version of a quote to a lead. Of a series' versions at most one counts: draft, sent or accepted.

    It can be accepted until `expires_at`, the end of the day `valid_until` in the organization's time zone.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SENT = "sent", "Sent"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        EXPIRED = "expired", "Expired"
        SUPERSEDED = "superseded", "Superseded"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="+", db_constraint=False)
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    series_id = models.UUIDField()
    version = models.PositiveSmallIntegerField(default=1)
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_constraint=False)
    title = models.CharField(max_length=200)
    notes = models.TextField(max_length=10_000, blank=True)
    valid_until = models.DateField()
    expires_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    sent_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(name="quote_version", fields=("series_id", "version")),
            models.UniqueConstraint(
                name="quote_one_counts",
                fields=("series_id",),
                condition=Q(status__in=("draft", "sent", "accepted")),
            ),
            models.CheckConstraint(
                name="quote_total", condition=Q(total_minor=F("subtotal_minor") + F("tax_minor"))
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="quote_newest"),
            models.Index(fields=("lead", "-created_at"), name="quote_lead"),
            models.Index(fields=("expires_at",), name="quote_due", condition=Q(status="sent")),
        )

    def __str__(self) -> str:
        return self.title
