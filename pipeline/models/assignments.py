"""Leads offered to agents, and the ledger of agents by which they are chosen."""

from django.db import models
from django.db.models import Q

from leads.models import Lead
from partners.models import Agent, ApiClient, TenantModel
from partners.querysets import TenantQuerySet
from pipeline.querysets import AssignmentQuerySet, DeskQuerySet

MAX_ANSWER_MINUTES = 30 * 24 * 60
MAX_OFFERS = 20


class Strategy(models.TextChoices):
    """How an agent is chosen: whose turn it is, or who has least on the desk for what they can take."""

    ROUND_ROBIN = "round_robin", "Round robin"
    LOAD = "load", "By load"


class Roster(TenantModel):
    """How an organization hands out its leads. Whoever chooses an agent holds its row until the commit."""

    strategy = models.CharField(max_length=12, choices=Strategy, default=Strategy.ROUND_ROBIN)
    answer_minutes = models.PositiveIntegerField(default=60)
    max_offers = models.PositiveSmallIntegerField(default=5)
    # Counts offers; an agent's desk keeps the last one that was theirs.
    turn = models.PositiveBigIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "environment"), name="roster_once"),
            models.CheckConstraint(
                name="roster_answer",
                condition=Q(answer_minutes__gte=1, answer_minutes__lte=MAX_ANSWER_MINUTES),
            ),
            models.CheckConstraint(
                name="roster_offers", condition=Q(max_offers__gte=1, max_offers__lte=MAX_OFFERS)
            ),
        )

    def __str__(self) -> str:
        return f"roster of {self.organization_id}"


class Desk(TenantModel):
    """An agent in the ledger: how many open leads they take at a time, and when it was their turn."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="+", db_constraint=False)
    capacity = models.PositiveSmallIntegerField(default=10)
    is_available = models.BooleanField(default=True)
    last_turn = models.PositiveBigIntegerField(default=0)

    objects = DeskQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agent",), name="desk_once"),)

    def __str__(self) -> str:
        return f"desk of {self.agent_id}"


class Assignment(TenantModel):
    """A lead offered to one agent until `answer_by`. A lead has at most one that is offered or accepted.

    What is rejected or times out is offered on: the next one has the same `chain_id` and names it as
    `previous`. The last of a chain that nobody took is `is_exhausted`.
    """

    class Status(models.TextChoices):
        OFFERED = "offered", "Offered"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        TIMED_OUT = "timed_out", "Timed out"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="+", db_constraint=False)
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.OFFERED)
    strategy = models.CharField(max_length=12, choices=Strategy)
    answer_minutes = models.PositiveIntegerField()
    answer_by = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    chain_id = models.UUIDField()
    previous = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_constraint=False)
    attempt = models.PositiveSmallIntegerField(default=1)
    max_offers = models.PositiveSmallIntegerField()
    is_exhausted = models.BooleanField(default=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="assignment_one_of_a_lead",
                fields=("lead",),
                condition=Q(status__in=("offered", "accepted")),
            ),
            models.UniqueConstraint(name="assignment_attempt", fields=("chain_id", "attempt")),
            models.CheckConstraint(
                name="assignment_answered", condition=Q(status="offered") ^ Q(answered_at__isnull=False)
            ),
            models.CheckConstraint(
                name="assignment_exhausted",
                condition=Q(is_exhausted=False) | Q(status__in=("rejected", "timed_out")),
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="assignment_newest"
            ),
            models.Index(fields=("lead", "-created_at"), name="assignment_lead"),
            models.Index(
                fields=("agent",), name="assignment_desk", condition=Q(status__in=("offered", "accepted"))
            ),
            models.Index(fields=("answer_by",), name="assignment_due", condition=Q(status="offered")),
        )

    def __str__(self) -> str:
        return f"assignment {self.id}"
