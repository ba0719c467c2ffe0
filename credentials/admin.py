"""Ops' view of keys (never a secret or its hash) and of the request log."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from credentials.models import ApiKey, RequestLog


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "key_id",
        "organization",
        "environment",
        "status",
        "expires_at",
        "last_used_at",
    )
    list_filter = ("status", "environment", "tier")
    list_select_related = ("organization",)
    search_fields = ("name", "key_id", "organization__name", "id")


@admin.register(RequestLog)
class RequestLogAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "method",
        "endpoint",
        "response_status",
        "error_code",
        "response_time_ms",
        "key_id",
        "request_id",
    )
    list_filter = ("method", "response_status", "error_code", "environment")
    search_fields = ("=request_id", "=key_id", "endpoint", "path")
    ordering = ("-created_at", "-id")
