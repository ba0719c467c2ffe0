"""Ops' view of jobs and calls; dead ones can be run again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.admin_site import ReadOnlyAdmin
from jobs.models import Call, Job
from jobs.services.operations import job_rerun
from partners.pages import actor_of


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "job_type",
        "status",
        "stage",
        "progress",
        "attempt_count",
        "organization",
        "environment",
        "completed_at",
    )
    list_filter = ("status", "job_type", "queue", "environment")
    list_select_related = ("organization",)
    search_fields = ("=id", "=call__id", "organization__name")
    ordering = ("-created_at", "-id")
    actions = ("run_again",)

    @admin.action(description="Run failed jobs again")
    def run_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        failed = queryset.filter(status=Job.Status.FAILED)
        for job in failed:
            job_rerun(job_id=job.id, actor=actor_of(request))
        self.message_user(
            request,
            _("%(count)d jobs were queued again.") % {"count": len(failed)},
            messages.SUCCESS,
        )


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "call_type", "company", "agent", "recording_bytes", "environment")
    list_filter = ("call_type", "environment")
    list_select_related = ("company", "agent")
    search_fields = ("=id", "company__name")
    ordering = ("-created_at", "-id")
