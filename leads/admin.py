"""Ops' view of leads."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from leads.models import Lead


@admin.register(Lead)
class LeadAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "name",
        "email",
        "phone",
        "source",
        "status",
        "organization",
        "environment",
    )
    list_filter = ("status", "environment")
    list_select_related = ("organization",)
    search_fields = ("name", "email", "phone", "=id")
    ordering = ("-created_at", "-id")
