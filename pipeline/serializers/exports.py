"""Exports on the wire."""

from datetime import datetime

from rest_framework import serializers

from config.api.pagination import ListQuery
from credentials.serializers.tenants import TenantNamed
from jobs.models import Job
from pipeline.links import export_url
from pipeline.models import Export


class ExportQuery(ListQuery):
    """What narrows the list of exports."""


class ExportFilters(serializers.Serializer):
    """What of the list goes into the file."""

    status = serializers.CharField(required=False, max_length=40)
    agentId = serializers.UUIDField(required=False)
    dateFrom = serializers.CharField(required=False, max_length=40)
    dateTo = serializers.CharField(required=False, max_length=40)
    search = serializers.CharField(required=False, max_length=200)


class ExportIn(TenantNamed):
    """A file of what the filters leave."""

    format = serializers.ChoiceField(choices=Export.Format.choices, default=Export.Format.CSV)
    filters = ExportFilters(default=dict)


class ExportOut(serializers.Serializer):
    """A file that is being written, or can be fetched at `downloadUrl` (each answer has a fresh one)."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    type = serializers.ChoiceField(source="kind", choices=Export.Kind.choices)
    format = serializers.ChoiceField(choices=Export.Format.choices)
    filters = serializers.DictField()
    status = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField(help_text="0 to 100")
    jobId = serializers.UUIDField(source="job_id", allow_null=True)
    rows = serializers.IntegerField(source="row_count", allow_null=True)
    sizeBytes = serializers.IntegerField(source="size_bytes", allow_null=True)
    downloadUrl = serializers.SerializerMethodField()
    downloadUrlExpiresAt = serializers.SerializerMethodField()
    completedAt = serializers.DateTimeField(source="completed_at", allow_null=True)
    expiresAt = serializers.DateTimeField(
        source="expires_at", allow_null=True, help_text="when the file is removed"
    )
    createdAt = serializers.DateTimeField(source="created_at")

    def get_status(self, export: Export) -> str:
        """queued, processing, completed, failed or canceled as the job is; removed without a file."""
        if export.completed_at:
            return "completed" if export.file_name else "removed"
        return str(export.job.status) if export.job else Job.Status.CANCELED.value

    def get_progress(self, export: Export) -> int:
        return 100 if export.completed_at else export.job.progress if export.job else 0

    def get_downloadUrl(self, export: Export) -> str | None:
        return export_url(export.id)[0] if export.file_name else None

    def get_downloadUrlExpiresAt(self, export: Export) -> datetime | None:
        return export_url(export.id)[1] if export.file_name else None
