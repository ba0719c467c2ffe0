"""Ops' view of jobs, their attempts and calls; dead ones can be run again, unsettled ones canceled."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.admin_site import ReadOnlyAdmin
from jobs.models import Call, Checklist, Job, JobAttempt
from jobs.selectors import error_codes
from jobs.services.operations import job_cancel, job_rerun
from jobs.services.recordings import recording_erase
from partners.pages import actor_of


class ErrorCodeFilter(admin.SimpleListFilter):
    title = "error code"
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(code, code) for code in error_codes()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.with_error(self.value()) if self.value() else queryset  # type: ignore[attr-defined]


class LateFilter(admin.SimpleListFilter):
    title = "SLA"
    parameter_name = "sla"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("breached", _("Breached"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.exclude(sla_breached_at=None) if self.value() else queryset


class AttemptInline(admin.TabularInline):
    model = JobAttempt
    extra = 0
    can_delete = False
    ordering = ("-number",)
    fields = readonly_fields = (
        "number",
        "outcome",
        "error_code",
        "error_message",
        "worker",
        "started_at",
        "ended_at",
        "peak_memory_bytes",
        "cpu_s",
    )

    def has_add_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return True


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "job_type",
        "status",
        "error_code",
        "stage",
        "progress",
        "attempt_count",
        "sla_breached_at",
        "organization",
        "environment",
        "completed_at",
    )
    list_filter = ("status", "job_type", ErrorCodeFilter, LateFilter, "queue", "environment")
    list_select_related = ("organization",)
    search_fields = ("=id", "=call__id", "organization__name")
    ordering = ("-created_at", "-id")
    actions = ("run_again", "cancel")
    inlines = (AttemptInline,)

    @admin.display(description="Error")
    def error_code(self, job: Job) -> str:
        return (job.error or {}).get("code", "")

    @admin.action(description="Run failed jobs again")
    def run_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        ids = list(queryset.filter(status=Job.Status.FAILED).values_list("id", flat=True))
        for job_id in ids:
            job_rerun(job_id=job_id, actor=actor_of(request))
        message = _("%(count)d jobs were queued again.") % {"count": len(ids)}
        self.message_user(request, message, messages.SUCCESS)

    @admin.action(description="Cancel queued and running jobs")
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        ids = list(queryset.unsettled().values_list("id", flat=True))  # type: ignore[attr-defined]
        for job_id in ids:
            job_cancel(job_id=job_id, actor=actor_of(request))
        message = _("%(count)d jobs were canceled.") % {"count": len(ids)}
        self.message_user(request, message, messages.SUCCESS)


@admin.register(JobAttempt)
class JobAttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at",
        "job",
        "number",
        "outcome",
        "error_code",
        "worker",
        "ended_at",
        "peak_memory_bytes",
        "cpu_s",
    )
    list_filter = ("outcome", "error_code", "job__job_type", "environment")
    list_select_related = ("job",)
    search_fields = ("=job__id", "worker")
    ordering = ("-created_at", "-id")


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "call_type",
        "company",
        "agent",
        "recording_bytes",
        "recording_erased_at",
        "environment",
    )
    list_filter = ("call_type", "environment", ("recording_erased_at", admin.EmptyFieldListFilter))
    list_select_related = ("company", "agent")
    search_fields = ("=id", "company__name")
    ordering = ("-created_at", "-id")
    actions = ("erase_recordings",)

    @admin.action(description="Erase recordings now")
    def erase_recordings(self, request: HttpRequest, queryset: QuerySet[Call]) -> None:
        ids = list(queryset.filter(recording_erased_at=None).values_list("id", flat=True))
        for call_id in ids:
            recording_erase(call_id=call_id, actor=actor_of(request))
        message = _("%(count)d recordings were erased.") % {"count": len(ids)}
        self.message_user(request, message, messages.SUCCESS)


@admin.register(Checklist)
class ChecklistAdmin(ReadOnlyAdmin):
    list_display = ("call_type", "version", "organization", "environment", "updated_at")
    list_filter = ("environment",)
    list_select_related = ("organization",)
    search_fields = ("call_type", "organization__name")
    ordering = ("call_type", "id")
