"""Ops' view of bookings."""

from django.contrib import admin

from bookings.models import Booking, BookingChange, Resource
from config.admin_site import ReadOnlyAdmin


@admin.register(Resource)
class ResourceAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "kind",
        "location",
        "time_zone",
        "capacity",
        "is_active",
        "organization",
        "environment",
    )
    list_filter = ("is_active", "environment", "kind")
    list_select_related = ("organization",)
    search_fields = ("name", "location", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = ("starts_at", "ends_at", "resource", "status", "client", "organization", "environment")
    list_filter = ("status", "environment")
    list_select_related = ("resource", "client", "organization")
    search_fields = ("customer", "resource__name", "=id")
    date_hierarchy = "starts_at"
    ordering = ("-created_at", "-id")


@admin.register(BookingChange)
class BookingChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "booking", "action", "actor", "organization", "environment")
    list_filter = ("action", "environment")
    list_select_related = ("booking", "organization")
    search_fields = ("=booking__id", "actor", "=id")
    ordering = ("-at", "-id")
