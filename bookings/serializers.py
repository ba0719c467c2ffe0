"""The wire form of bookings (contract A)."""

from datetime import date, timedelta
from typing import Any

from rest_framework import serializers

from bookings.models import Booking
from config.api.customers import CustomerIn, CustomerOut

MAX_HOLD_S = 3600
# A range of availability.
MAX_DAYS = 62


class _Times(serializers.Serializer):
    startsAt = serializers.DateTimeField(source="starts_at")
    endsAt = serializers.DateTimeField(source="ends_at")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["starts_at"] >= data["ends_at"]:
            raise serializers.ValidationError({"endsAt": ["The end must be after the start."]})
        return data


class BookingIn(_Times):
    """A booking; with `hold` it is only put aside, for `holdSeconds`, until it is confirmed."""

    organizationId = serializers.UUIDField()
    resourceId = serializers.UUIDField(source="resource_id")
    customer = CustomerIn()
    hold = serializers.BooleanField(default=False)
    holdSeconds = serializers.IntegerField(source="hold_s", min_value=30, max_value=MAX_HOLD_S, default=300)


class RescheduleIn(_Times):
    organizationId = serializers.UUIDField()
    resourceId = serializers.UUIDField(source="resource_id", required=False, allow_null=True, default=None)


class ConfirmIn(serializers.Serializer):
    organizationId = serializers.UUIDField()


class CancelIn(serializers.Serializer):
    organizationId = serializers.UUIDField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class BookingOut(serializers.Serializer):
    """A booking as partners and webhooks see it."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    resourceId = serializers.UUIDField(source="resource_id")
    startsAt = serializers.DateTimeField(source="starts_at")
    endsAt = serializers.DateTimeField(source="ends_at")
    customer = CustomerOut()
    status = serializers.ChoiceField(choices=Booking.Status.choices)
    expiresAt = serializers.DateTimeField(source="expires_at", allow_null=True)
    priceMinor = serializers.IntegerField(source="price_minor")
    currency = serializers.CharField()
    cancellationReason = serializers.CharField(source="cancellation_reason")
    invoiceId = serializers.UUIDField(source="invoice_id", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class BookingChangeOut(serializers.Serializer):
    """An entry of a booking's history."""

    action = serializers.CharField()
    at = serializers.DateTimeField()
    details = serializers.JSONField()


class BookingDetail(BookingOut):
    """A booking with its history, the oldest entry first."""

    history = BookingChangeOut(many=True)


class ResourceOut(serializers.Serializer):
    """Something that can be booked."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    name = serializers.CharField()
    kind = serializers.CharField()
    location = serializers.CharField()
    timeZone = serializers.CharField(source="time_zone")
    openingHours = serializers.JSONField(source="opening_hours")
    slotMinutes = serializers.IntegerField(source="slot_minutes", allow_null=True)
    bufferMinutes = serializers.IntegerField(source="buffer_minutes")
    capacity = serializers.IntegerField()
    priceMinor = serializers.IntegerField(source="price_minor")
    currency = serializers.CharField()
    taxRate = serializers.DecimalField(source="tax_rate", max_digits=5, decimal_places=2)
    noticeMinutes = serializers.IntegerField(source="notice_minutes")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class ResourceList(serializers.Serializer):
    data = ResourceOut(many=True)  # type: ignore[assignment]


class SlotsQuery(serializers.Serializer):
    """Days of the resource's own calendar, both included."""

    organizationId = serializers.UUIDField()
    to = serializers.DateField()

    def get_fields(self) -> dict[str, Any]:
        # a Python keyword on the wire
        return {**super().get_fields(), "from": serializers.DateField()}

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        first, last = data["from"], data["to"]
        if last < first:
            raise serializers.ValidationError({"to": ["`to` must not be before `from`."]})
        if last - first >= timedelta(days=MAX_DAYS) or last > date.max - timedelta(days=2):
            raise serializers.ValidationError({"to": [f"At most {MAX_DAYS} days."]})
        return data


class SlotOut(serializers.Serializer):
    """`free`: how many bookings it still takes."""

    startsAt = serializers.DateTimeField()
    endsAt = serializers.DateTimeField()
    free = serializers.IntegerField()


class SlotsOut(serializers.Serializer):
    """Slots of a resource; for one that has none, the stretches with the same number of free places."""

    resourceId = serializers.UUIDField()
    timeZone = serializers.CharField()
    slotMinutes = serializers.IntegerField(allow_null=True)
    data = SlotOut(many=True)  # type: ignore[assignment]
