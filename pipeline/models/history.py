"""What happened to assignments, quotes, proposals and policies."""

from django.db import models
from django.utils import timezone

from partners.models import TenantModel
from partners.querysets import TenantQuerySet


class Change(TenantModel):
    """A step: who took it, when, from where, and what it changed. Append-only to the application role."""

    class Subject(models.TextChoices):
        ASSIGNMENT = "assignment", "Assignment"
        QUOTE = "quote", "Quote"
        PROPOSAL = "proposal", "Proposal"
        POLICY = "policy", "Policy"

    subject = models.CharField(max_length=10, choices=Subject)
    subject_id = models.UUIDField()
    action = models.CharField(max_length=20)
    actor = models.CharField(max_length=255)
    ip = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(default=timezone.now)
    # By the wire's names; only what differs.
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("subject_id", "at"), name="pipeline_history"),)

    def __str__(self) -> str:
        return f"{self.action} of {self.subject} {self.subject_id}"
