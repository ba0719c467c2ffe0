"""Ops' view of the inventory and of rental orders."""

from django.contrib import admin

from config.admin_site import ReadOnlyAdmin
from rentals.models import Allocation, Block, Item, ItemImage, Line, Order, OrderChange


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    list_display = ("name", "sku", "category", "quantity", "is_active", "organization", "environment")
    list_filter = ("is_active", "environment", "category")
    list_select_related = ("organization",)
    search_fields = ("name", "sku", "=id")
    ordering = ("-created_at", "-id")


@admin.register(ItemImage)
class ItemImageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "item", "width", "height", "organization", "environment")
    list_filter = ("environment",)
    list_select_related = ("item", "organization")
    search_fields = ("=item__id", "=id")
    exclude = ("content",)
    ordering = ("-created_at", "-id")


@admin.register(Block)
class BlockAdmin(ReadOnlyAdmin):
    list_display = ("starts_at", "ends_at", "item", "quantity", "reason", "organization", "environment")
    list_filter = ("environment",)
    list_select_related = ("item", "organization")
    search_fields = ("item__name", "reason", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        "starts_at",
        "ends_at",
        "status",
        "overdue_at",
        "total_minor",
        "currency",
        "client",
        "environment",
    )
    list_filter = ("status", "environment", ("overdue_at", admin.EmptyFieldListFilter))
    list_select_related = ("client",)
    search_fields = ("customer", "=id")
    date_hierarchy = "starts_at"
    ordering = ("-created_at", "-id")


@admin.register(Line)
class LineAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "order",
        "name",
        "quantity",
        "returned_quantity",
        "damaged_quantity",
        "environment",
    )
    list_filter = ("environment",)
    list_select_related = ("order",)
    search_fields = ("name", "=order__id", "=id")
    ordering = ("-created_at", "-id")


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "item", "during", "quantity", "unplanned", "organization", "environment")
    list_filter = ("unplanned", "environment")
    list_select_related = ("item", "organization")
    search_fields = ("item__name", "=line__order__id", "=id")
    ordering = ("-created_at", "-id")


@admin.register(OrderChange)
class OrderChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "order", "action", "actor", "organization", "environment")
    list_filter = ("action", "environment")
    list_select_related = ("order", "organization")
    search_fields = ("=order__id", "actor", "=id")
    ordering = ("-at", "-id")
