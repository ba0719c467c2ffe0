"""Ops' view of the pipeline: looked at, not changed."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from pipeline.models import Assignment, Change, Desk, Export, Policy, Proposal, Quote, Roster


@admin.register(Roster)
class RosterAdmin(ReadOnlyAdmin):
    list_display = ("organization", "environment", "strategy", "answer_minutes", "max_offers", "turn")
    list_filter = ("environment", "strategy")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Desk)
class DeskAdmin(ReadOnlyAdmin):
    list_display = ("agent", "capacity", "is_available", "last_turn", "organization", "environment")
    list_filter = ("environment", "is_available")
    list_select_related = ("agent", "organization")
    search_fields = ("agent__name", "=agent__id", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "lead",
        "agent",
        "status",
        "attempt",
        "answer_by",
        "is_exhausted",
        "organization",
        "environment",
    )
    list_filter = ("status", "is_exhausted", "environment", "strategy")
    list_select_related = ("lead", "agent", "organization")
    search_fields = ("lead__name", "agent__name", "=lead__id", "=chain_id", "=id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "title",
        "version",
        "lead",
        "status",
        "total_minor",
        "currency",
        "valid_until",
        "environment",
    )
    list_filter = ("status", "environment")
    list_select_related = ("lead",)
    search_fields = ("title", "lead__name", "=lead__id", "=series_id", "=id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "title",
        "lead",
        "status",
        "total_minor",
        "currency",
        "decided_by",
        "decided_through",
        "environment",
    )
    list_filter = ("status", "decided_through", "environment")
    list_select_related = ("lead",)
    search_fields = ("title", "customer", "lead__name", "=lead__id", "=quote__id", "=id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    # with it the link could be made
    exclude = ("link_nonce",)


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    list_display = (
        "number",
        "lead",
        "status",
        "premium_minor",
        "currency",
        "starts_on",
        "ends_on",
        "refund_minor",
        "organization",
        "environment",
    )
    list_filter = ("status", "environment")
    list_select_related = ("lead", "organization")
    search_fields = ("number", "holder", "lead__name", "=lead__id", "=proposal__id", "=id")
    date_hierarchy = "starts_on"
    ordering = ("-created_at", "-id")


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "subject", "action", "actor", "ip", "organization", "environment")
    list_filter = ("subject", "action", "environment")
    list_select_related = ("organization",)
    search_fields = ("=subject_id", "actor", "=id")
    ordering = ("-at", "-id")


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "kind",
        "format",
        "requested_by",
        "row_count",
        "completed_at",
        "expires_at",
        "organization",
        "environment",
    )
    list_filter = ("kind", "format", "environment")
    list_select_related = ("organization",)
    search_fields = ("requested_by", "=id")
    ordering = ("-created_at", "-id")
