"""Ops' view of leads, their histories and imports; leads of one person can be merged."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.admin_site import ReadOnlyAdmin
from config.api.exceptions import DomainError
from leads.models import Lead, LeadChange, LeadImport, RefusedRow
from leads.services.merging import lead_merge
from partners.pages import actor_of


class ChangeInline(admin.TabularInline):
    model = LeadChange
    extra = 0
    can_delete = False
    ordering = ("-at",)
    fields = readonly_fields = ("at", "action", "actor", "before", "after")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


@admin.register(Lead)
class LeadAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "name",
        "email",
        "phone",
        "source",
        "status",
        "duplicate_of",
        "organization",
        "environment",
    )
    list_filter = (
        "status",
        "environment",
        ("duplicate_of", admin.EmptyFieldListFilter),
        ("company", admin.EmptyFieldListFilter),
    )
    list_select_related = ("organization", "duplicate_of")
    search_fields = ("search_text", "=id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    actions = ("merge",)
    inlines = (ChangeInline,)

    @admin.action(description="Merge into the oldest of them")
    def merge(self, request: HttpRequest, queryset: QuerySet[Lead]) -> None:
        survivor, *others = queryset.order_by("created_at", "id").values_list("id", flat=True)
        merged = 0
        for lead_id in others:
            try:
                lead_merge(survivor_id=survivor, lead_id=lead_id, actor=actor_of(request))
            except DomainError as refusal:
                self.message_user(request, refusal.message, messages.ERROR)
            else:
                merged += 1
        message = _("%(count)d leads were merged.") % {"count": merged}
        self.message_user(request, message, messages.SUCCESS if merged else messages.WARNING)


@admin.register(LeadImport)
class LeadImportAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "file_name",
        "uploaded_by",
        "total_rows",
        "done_rows",
        "created_count",
        "refused_count",
        "organization",
        "environment",
    )
    list_filter = ("environment",)
    list_select_related = ("organization",)
    search_fields = ("file_name", "uploaded_by", "=id")
    exclude = ("content",)
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LeadImport]:
        return super().get_queryset(request).defer("content")


@admin.register(RefusedRow)
class RefusedRowAdmin(ReadOnlyAdmin):
    list_display = ("lead_import", "number", "reasons", "organization", "environment")
    list_filter = ("environment",)
    list_select_related = ("lead_import", "organization")
    search_fields = ("=lead_import__id", "=id")
    ordering = ("-created_at", "number")
