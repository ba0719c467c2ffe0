"""Proposals: what the end customer is asked to accept."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from leads.models import Lead
from partners.models import Agent, ApiClient
from pipeline.models.quotes import Priced, Quote
from pipeline.querysets import DatedQuerySet


class Proposal(Priced):
    """What an accepted quote says, with terms, for the customer to accept by a signed link.

    The link names the proposal and `link_nonce`, and is dead after `expires_at`, once another one was made,
    and once it was used. Who accepted or declined is kept: the name as typed, when, how, and from where.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SENT = "sent", "Sent"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        EXPIRED = "expired", "Expired"

    class Door(models.TextChoices):
        LINK = "link", "The customer, by the link"
        API = "api", "A partner, by API"
        DASHBOARD = "dashboard", "A person, in the dashboard"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="+", db_constraint=False)
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    quote = models.ForeignKey(Quote, models.PROTECT, related_name="+", db_constraint=False)
    title = models.CharField(max_length=200)
    terms = models.TextField(max_length=20_000, blank=True)
    # {"name", "email", "phone"}
    customer = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    valid_days = models.PositiveSmallIntegerField(default=14)
    link_nonce = models.CharField(max_length=32, blank=True)
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=255, blank=True)
    decided_through = models.CharField(max_length=10, choices=Door, blank=True)
    decided_from = models.GenericIPAddressField(null=True)
    decided_with = models.CharField("user agent", max_length=400, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="proposal_one_of_a_quote",
                fields=("quote",),
                condition=Q(status__in=("draft", "sent", "accepted")),
            ),
            models.CheckConstraint(
                name="proposal_total", condition=Q(total_minor=F("subtotal_minor") + F("tax_minor"))
            ),
            models.CheckConstraint(
                name="proposal_decided",
                condition=~Q(status__in=("accepted", "rejected"))
                | Q(decided_at__isnull=False) & ~Q(decided_through=""),
            ),
            models.CheckConstraint(
                name="proposal_link",
                condition=~Q(status="sent") | (~Q(link_nonce="") & Q(expires_at__isnull=False)),
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="proposal_newest"
            ),
            models.Index(fields=("lead", "-created_at"), name="proposal_lead"),
            models.Index(fields=("expires_at",), name="proposal_due", condition=Q(status="sent")),
        )

    @property
    def can_be_answered(self) -> bool:
        """Whether the customer can accept or decline it now."""
        return self.status == self.Status.SENT and bool(self.expires_at and self.expires_at > timezone.now())

    def __str__(self) -> str:
        return self.title
