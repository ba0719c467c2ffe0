"""Ops' view of catalogues: networks, brands, offers, runs and what these changed."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from catalog.models import (
    AffiliateNetwork,
    Brand,
    CatalogSync,
    CatalogSyncDifference,
    CatalogSyncFailure,
    Offer,
)
from catalog.services.syncs import sync_cancel, sync_start
from config.admin_site import ReadOnlyAdmin
from config.api.exceptions import DomainError
from partners.pages import actor_of


@admin.register(AffiliateNetwork)
class AffiliateNetworkAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "adapter",
        "is_enabled",
        "sync_every_minutes",
        "last_synced_at",
        "organization",
        "environment",
    )
    list_filter = ("adapter", "is_enabled", "environment")
    list_select_related = ("organization",)
    search_fields = ("name", "slug", "=id")
    exclude = ("credentials_sealed", "postback_secret_sealed")
    ordering = ("-created_at", "-id")
    actions = ("read_now",)

    @admin.action(description="Read the catalogue now")
    def read_now(self, request: HttpRequest, queryset: QuerySet[AffiliateNetwork]) -> None:
        started = 0
        for network_id in queryset.values_list("id", flat=True):
            try:
                sync_start(network_id=network_id, actor=actor_of(request))
            except DomainError as refusal:
                self.message_user(request, refusal.message, messages.ERROR)
            else:
                started += 1
        self.message_user(request, _("%(count)d runs were queued.") % {"count": started})


@admin.register(Brand)
class BrandAdmin(ReadOnlyAdmin):
    list_display = ("name", "status", "network", "website", "organization", "environment")
    list_filter = ("status", "environment")
    list_select_related = ("network", "organization")
    search_fields = ("name", "slug", "external_id", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "brand_name",
        "category",
        "commission_type",
        "commission_value",
        "status",
        "is_hidden",
        "network",
        "organization",
        "environment",
    )
    list_filter = ("status", "is_hidden", "commission_type", "environment")
    list_select_related = ("network", "organization")
    search_fields = ("name", "brand_name", "external_id", "=id")
    exclude = ("search",)
    ordering = ("-created_at", "-id")


class FailureInline(admin.TabularInline):
    model = CatalogSyncFailure
    extra = 0
    can_delete = False
    ordering = ("id",)
    fields = readonly_fields = ("external_id", "name", "reasons")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


@admin.register(CatalogSync)
class CatalogSyncAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "network",
        "status",
        "seen_count",
        "created_count",
        "updated_count",
        "ended_count",
        "failed_count",
        "organization",
        "environment",
    )
    list_filter = ("status", "environment")
    list_select_related = ("network", "organization")
    search_fields = ("network__name", "=network__id", "=id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    actions = ("stop",)
    inlines = (FailureInline,)

    @admin.action(description="Stop")
    def stop(self, request: HttpRequest, queryset: QuerySet[CatalogSync]) -> None:
        for sync_id in queryset.values_list("id", flat=True):
            sync_cancel(sync_id=sync_id, actor=actor_of(request))


@admin.register(CatalogSyncDifference)
class CatalogSyncDifferenceAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "offer", "sync", "organization", "environment")
    list_filter = ("action", "environment")
    list_select_related = ("offer", "sync", "organization")
    search_fields = ("offer__name", "=offer__id", "=sync__id")
    ordering = ("-at", "-id")


@admin.register(CatalogSyncFailure)
class CatalogSyncFailureAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "external_id", "name", "reasons", "sync", "organization", "environment")
    list_filter = ("environment",)
    list_select_related = ("sync", "organization")
    search_fields = ("external_id", "name", "=sync__id")
    ordering = ("-created_at", "-id")
