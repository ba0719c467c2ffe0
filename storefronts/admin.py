"""Ops' view of sites and publishable keys."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from storefronts.models import PublishableKey, Site, SiteDomain


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "language", "is_published", "organization", "environment", "updated_at")
    list_filter = ("is_published", "environment", "language")
    list_select_related = ("organization",)
    search_fields = ("name", "=slug", "=id")
    ordering = ("-created_at", "-id")


@admin.register(SiteDomain)
class SiteDomainAdmin(ReadOnlyAdmin):
    list_display = ("hostname", "site", "verified_at", "verified_by", "is_primary", "organization")
    list_filter = ("is_primary", "environment")
    list_select_related = ("site", "organization")
    search_fields = ("hostname", "=id")
    ordering = ("hostname", "id")


@admin.register(PublishableKey)
class PublishableKeyAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "client", "revoked_at", "organization", "environment", "created_at")
    list_filter = ("environment",)
    list_select_related = ("client", "organization")
    search_fields = ("name", "=key", "=id")
    ordering = ("-created_at", "-id")
