"""Ops' view of the ledger."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from ledger.models import Account, Posting, Reconciliation, Transaction


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("kind", "currency", "client_id", "user_id", "organization", "environment")
    list_filter = ("kind", "environment", "currency")
    list_select_related = ("organization",)
    search_fields = ("user_id", "=client_id", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "description", "idempotency_key", "organization", "environment")
    list_filter = ("kind", "environment")
    list_select_related = ("organization",)
    search_fields = ("=idempotency_key", "=source_id", "=id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "account", "amount_minor", "organization", "environment")
    list_filter = ("environment", "account__kind")
    list_select_related = ("account", "organization")
    search_fields = ("=transaction__id", "=account__id")
    ordering = ("-id",)


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "organization", "environment", "accounts", "postings", "agrees")
    list_filter = ("environment",)
    list_select_related = ("organization",)
    ordering = ("-created_at", "-id")

    @admin.display(boolean=True)
    def agrees(self, row: Reconciliation) -> bool:
        return not row.differences
