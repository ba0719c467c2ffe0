"""Files of leads or policies that somebody asked for."""

from django.db import models
from django.db.models import Q

from jobs.models import Job
from partners.models import ApiClient, TenantModel
from pipeline.querysets import ExportQuerySet


class Export(TenantModel):
    """A file written by a job, sealed in the storage "exports", and removed at `expires_at`.

    `filters` are those of the list: status, agentId, dateFrom, dateTo, search, companyId.
    """

    class Kind(models.TextChoices):
        LEADS = "leads", "Leads"
        POLICIES = "policies", "Policies"

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        JSONL = "jsonl", "JSON lines"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    kind = models.CharField(max_length=10, choices=Kind)
    format = models.CharField(max_length=5, choices=Format)
    filters = models.JSONField(default=dict)
    requested_by = models.CharField(max_length=255)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    file_name = models.CharField(max_length=200, blank=True)
    row_count = models.PositiveIntegerField(null=True)
    size_bytes = models.PositiveBigIntegerField(null=True)
    completed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="export_completed", condition=Q(file_name="") | Q(expires_at__isnull=False)
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="export_newest"),
            models.Index(fields=("expires_at",), name="export_due", condition=~Q(file_name="")),
        )

    def __str__(self) -> str:
        return f"{self.kind}.{self.format}"
