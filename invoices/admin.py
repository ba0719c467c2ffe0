"""Ops' view of invoices."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from invoices.models import Invoice, InvoiceLine, Payment, Profile, Series


@admin.register(Profile)
class ProfileAdmin(ReadOnlyAdmin):
    list_display = ("organization", "environment", "language", "payment_days", "updated_at")
    list_filter = ("environment", "language")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Series)
class SeriesAdmin(ReadOnlyAdmin):
    list_display = ("organization", "environment", "kind", "year", "last_number")
    list_filter = ("environment", "kind", "year")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "=id")
    ordering = ("-year", "-id")


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = (
        "number",
        "kind",
        "status",
        "issued_at",
        "total_minor",
        "currency",
        "organization",
        "environment",
    )
    list_filter = ("kind", "status", "environment")
    list_select_related = ("organization",)
    search_fields = ("number", "customer", "=source_id", "=id")
    date_hierarchy = "issued_at"
    ordering = ("-created_at", "-id")


@admin.register(InvoiceLine)
class InvoiceLineAdmin(ReadOnlyAdmin):
    list_display = (
        "invoice",
        "position",
        "description",
        "quantity",
        "subtotal_minor",
        "tax_minor",
        "environment",
    )
    list_filter = ("environment",)
    list_select_related = ("invoice",)
    search_fields = ("description", "invoice__number", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("paid_at", "invoice", "amount_minor", "method", "reference", "actor", "environment")
    list_filter = ("method", "environment")
    list_select_related = ("invoice",)
    search_fields = ("reference", "invoice__number", "=id")
    ordering = ("-created_at", "-id")
