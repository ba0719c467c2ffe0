"""Ops' view of campaigns and links."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from rewards.models import Campaign, SmartLink


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ("name", "offer", "client", "status", "pid", "organization", "environment", "created_at")
    list_filter = ("status", "environment")
    list_select_related = ("offer", "client", "organization")
    search_fields = ("name", "=pid", "=id")
    ordering = ("-created_at", "-id")


@admin.register(SmartLink)
class SmartLinkAdmin(ReadOnlyAdmin):
    list_display = ("code", "campaign", "status", "deep_link", "organization", "environment", "created_at")
    list_filter = ("status", "environment")
    list_select_related = ("campaign", "organization")
    search_fields = ("=code", "campaign__name", "user_id", "sub_id", "=id")
    ordering = ("-created_at", "-id")
