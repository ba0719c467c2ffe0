"""Ops' view of campaigns, conversions, rewards and payouts."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from rewards.models import (
    Campaign,
    Conversion,
    ConversionChange,
    ExchangeRate,
    Payee,
    PayoutBatch,
    PayoutItem,
    Reward,
    RewardTerms,
    SmartLink,
)


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


@admin.register(Conversion)
class ConversionAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "network_transaction_id",
        "network",
        "campaign",
        "status",
        "held_for",
        "commission_minor",
        "currency",
        "organization",
        "environment",
    )
    list_filter = ("status", "held_for", "environment")
    list_select_related = ("network", "campaign", "organization")
    search_fields = ("=network_transaction_id", "=user_id", "=click_reference", "=id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(ConversionChange)
class ConversionChangeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "conversion", "action", "actor", "organization", "environment")
    list_filter = ("action", "environment")
    list_select_related = ("conversion", "organization")
    search_fields = ("=conversion__id", "=ledger_transaction_id", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Reward)
class RewardAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "kind",
        "user_id",
        "amount_minor",
        "currency",
        "status",
        "available_at",
        "debt_minor",
        "organization",
        "environment",
    )
    list_filter = ("status", "kind", "environment")
    list_select_related = ("organization",)
    search_fields = ("=user_id", "=client_id", "=id")
    ordering = ("-created_at", "-id")


@admin.register(PayoutBatch)
class PayoutBatchAdmin(ReadOnlyAdmin):
    list_display = (
        "number",
        "provider",
        "currency",
        "status",
        "created_by",
        "approved_by",
        "organization",
        "environment",
    )
    list_filter = ("status", "provider", "environment")
    list_select_related = ("created_by", "approved_by", "organization")
    search_fields = ("=id",)
    exclude = ("file_sealed",)
    ordering = ("-created_at", "-id")


@admin.register(PayoutItem)
class PayoutItemAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "batch",
        "user_id",
        "net_minor",
        "debt_minor",
        "currency",
        "status",
        "attempt_count",
        "provider_reference",
        "organization",
        "environment",
    )
    list_filter = ("status", "environment")
    list_select_related = ("batch", "organization")
    search_fields = ("=user_id", "=client_id", "=provider_reference", "=id")
    exclude = ("details_sealed",)
    ordering = ("-created_at", "-id")


@admin.register(Payee)
class PayeeAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "client_id", "method", "hint", "updated_at", "organization", "environment")
    list_filter = ("method", "environment")
    list_select_related = ("organization",)
    search_fields = ("=user_id", "=client_id", "=id")
    exclude = ("details_sealed",)
    ordering = ("-created_at", "-id")


@admin.register(RewardTerms)
class RewardTermsAdmin(ReadOnlyAdmin):
    list_display = ("organization", "environment", "platform_share", "hold_days", "minimum_payout_minor")
    list_filter = ("environment",)
    list_select_related = ("organization",)
    exclude = ("payer_sealed",)
    ordering = ("-created_at", "-id")


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ReadOnlyAdmin):
    list_display = ("valid_from", "source", "target", "rate", "actor", "organization", "environment")
    list_filter = ("environment", "source", "target")
    list_select_related = ("organization",)
    ordering = ("-valid_from", "-id")
