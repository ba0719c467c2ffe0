"""Ops' view of events, subscriptions, deliveries and attempts; a delivery can be sent again."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.admin_site import ReadOnlyAdmin
from partners.pages import actor_of
from webhooks.models import Attempt, Delivery, Event, Replay, RequestBin, Subscription
from webhooks.services.deliveries import delivery_resend


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "type",
        "subject_id",
        "client",
        "organization",
        "environment",
        "dispatched_at",
    )
    list_filter = ("type", "environment")
    list_select_related = ("client", "organization")
    search_fields = ("=id", "=subject_id", "client__name", "organization__name")
    ordering = ("-created_at", "-id")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = (
        "url",
        "client",
        "organization",
        "environment",
        "status",
        "event_types",
        "created_at",
    )
    list_filter = ("status", "environment")
    list_select_related = ("client", "organization")
    search_fields = ("=id", "url", "client__name", "organization__name")
    exclude = ("secret_sealed",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "event_type",
        "webhook_id",
        "status",
        "attempt_count",
        "response_code",
        "last_error",
        "next_attempt_at",
        "organization",
        "environment",
    )
    list_filter = ("status", "event_type", "environment")
    list_select_related = ("organization",)
    search_fields = ("=id", "=webhook_id", "url", "organization__name")
    ordering = ("-created_at", "-id")
    actions = ("send_again",)

    @admin.action(description="Send again")
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        ids = list(queryset.values_list("id", flat=True))
        for delivery_id in ids:
            delivery_resend(delivery_id=delivery_id, actor=actor_of(request))
        self.message_user(
            request,
            _("%(count)d deliveries are sent again.") % {"count": len(ids)},
            messages.SUCCESS,
        )


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "subscription",
        "since",
        "only",
        "status",
        "replayed",
        "total",
        "completed_at",
        "organization",
        "environment",
    )
    list_filter = ("status", "only", "environment")
    list_select_related = ("subscription", "organization")
    search_fields = ("=id", "=subscription__id", "subscription__url", "organization__name")
    ordering = ("-created_at", "-id")


@admin.register(RequestBin)
class RequestBinAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "name", "answer_status", "expires_at", "organization", "environment")
    list_filter = ("environment",)
    list_select_related = ("organization",)
    search_fields = ("=id", "name", "organization__name")
    ordering = ("-created_at", "-id")
    exclude = ("token",)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "webhook_url",
        "attempt_number",
        "success",
        "http_status",
        "error_code",
        "latency_ms",
        "environment",
    )
    list_filter = ("success", "http_status", "error_code", "environment")
    search_fields = ("=delivery_id", "=async_job_id", "webhook_url")
    ordering = ("-created_at", "-id")
