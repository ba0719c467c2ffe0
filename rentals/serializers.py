"""The wire form of the inventory and of rental orders (contract A)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.customers import CustomerIn, CustomerOut
from rentals.models import MAX_QUANTITY, Item, Order

MAX_LINES = 100
# A range of availability, and how many items one answer holds.
MAX_DAYS, MAX_ITEMS = 366, 1000


class LineIn(serializers.Serializer):
    itemId = serializers.UUIDField(source="item_id")
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


class OrderIn(serializers.Serializer):
    """A rental order; with `quote` it is a price only, to be reserved until its `expiresAt`."""

    organizationId = serializers.UUIDField()
    startsAt = serializers.DateTimeField(source="starts_at")
    endsAt = serializers.DateTimeField(source="ends_at")
    customer = CustomerIn()
    lines = LineIn(many=True, allow_empty=False, max_length=MAX_LINES)  # type: ignore[call-arg]
    notes = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    quote = serializers.BooleanField(source="is_quote", default=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["starts_at"] >= data["ends_at"]:
            raise serializers.ValidationError({"endsAt": ["The end must be after the start."]})
        return data


class StepIn(serializers.Serializer):
    organizationId = serializers.UUIDField()


class BackIn(serializers.Serializer):
    lineId = serializers.UUIDField(source="line_id")
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)
    damagedQuantity = serializers.IntegerField(
        source="damaged", min_value=0, max_value=MAX_QUANTITY, default=0
    )


class ReturnIn(StepIn):
    """What came back; without `lines`, all that is out."""

    lines = BackIn(  # type: ignore[call-arg]
        many=True, required=False, allow_empty=False, max_length=MAX_LINES
    )


class CloseIn(StepIn):
    depositKeptMinor = serializers.IntegerField(
        source="deposit_kept_minor", min_value=0, max_value=2**62, default=0
    )


class RentalCancelIn(StepIn):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class LineOut(serializers.Serializer):
    """A line; `unitPriceMinor` is of one for the whole time, without tax."""

    id = serializers.UUIDField()
    itemId = serializers.UUIDField(source="item_id")
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    unitPriceMinor = serializers.IntegerField(source="unit_price_minor")
    subtotalMinor = serializers.IntegerField(source="subtotal_minor")
    taxRate = serializers.DecimalField(source="tax_rate", max_digits=5, decimal_places=2)
    taxMinor = serializers.IntegerField(source="tax_minor")
    returnedQuantity = serializers.IntegerField(source="returned_quantity")
    damagedQuantity = serializers.IntegerField(source="damaged_quantity")


class TotalsOut(serializers.Serializer):
    subtotalMinor = serializers.IntegerField(source="subtotal_minor")
    taxMinor = serializers.IntegerField(source="tax_minor")
    totalMinor = serializers.IntegerField(source="total_minor")
    depositMinor = serializers.IntegerField(source="deposit_minor")
    currency = serializers.CharField()


class OrderRow(serializers.Serializer):
    """An order as the list shows it."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    startsAt = serializers.DateTimeField(source="starts_at")
    endsAt = serializers.DateTimeField(source="ends_at")
    customer = CustomerOut()
    notes = serializers.CharField()
    status = serializers.ChoiceField(choices=Order.Status.choices)
    totalMinor = serializers.IntegerField(source="total_minor")
    currency = serializers.CharField()
    expiresAt = serializers.DateTimeField(source="expires_at", allow_null=True)
    overdueAt = serializers.DateTimeField(source="overdue_at", allow_null=True)
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")


class OrderOut(serializers.Serializer):
    """A rental order as partners and webhooks see it."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    startsAt = serializers.DateTimeField(source="starts_at")
    endsAt = serializers.DateTimeField(source="ends_at")
    customer = CustomerOut()
    notes = serializers.CharField()
    status = serializers.ChoiceField(choices=Order.Status.choices)
    lines = serializers.SerializerMethodField()
    totals = TotalsOut(source="*")
    depositKeptMinor = serializers.IntegerField(source="deposit_kept_minor")
    invoiceId = serializers.UUIDField(source="invoice_id", allow_null=True)
    expiresAt = serializers.DateTimeField(source="expires_at", allow_null=True)
    pickedUpAt = serializers.DateTimeField(source="picked_up_at", allow_null=True)
    returnedAt = serializers.DateTimeField(source="returned_at", allow_null=True)
    overdueAt = serializers.DateTimeField(source="overdue_at", allow_null=True)
    cancellationReason = serializers.CharField(source="cancellation_reason")
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    @extend_schema_field(LineOut(many=True))
    def get_lines(self, order: Order) -> list[LineOut]:
        return LineOut(order.lines.order_by("position"), many=True).data  # type: ignore[return-value]


class OrderChangeOut(serializers.Serializer):
    """An entry of an order's history."""

    action = serializers.CharField()
    at = serializers.DateTimeField()
    details = serializers.JSONField()


class OrderDetail(OrderOut):
    """An order with its history, the oldest entry first."""

    history = OrderChangeOut(many=True)


class ItemOut(serializers.Serializer):
    """An item that is rented out; prices are of one, without tax."""

    id = serializers.UUIDField()
    organizationId = serializers.UUIDField(source="organization_id")
    name = serializers.CharField()
    sku = serializers.CharField()
    category = serializers.CharField()
    description = serializers.CharField()
    totalQuantity = serializers.IntegerField(source="quantity")
    priceHourMinor = serializers.IntegerField(source="price_hour_minor", allow_null=True)
    priceDayMinor = serializers.IntegerField(source="price_day_minor", allow_null=True)
    priceWeekMinor = serializers.IntegerField(source="price_week_minor", allow_null=True)
    depositMinor = serializers.IntegerField(source="deposit_minor")
    taxRate = serializers.DecimalField(source="tax_rate", max_digits=5, decimal_places=2)
    currency = serializers.CharField()
    images = serializers.SerializerMethodField()
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")

    def get_images(self, item: Item) -> list[str]:
        return [image.url for image in item.images.all()]


class ItemsQuery(serializers.Serializer):
    """A page of items, by name."""

    organizationId = serializers.UUIDField()
    itemId = serializers.UUIDField(required=False)
    category = serializers.CharField(required=False, max_length=120)
    page = serializers.IntegerField(min_value=1, max_value=100_000, default=1)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_ITEMS, default=MAX_ITEMS)


class AvailabilityQuery(ItemsQuery):
    """`from` and `to` are dates of `timeZone`, both included; or moments of ISO 8601, the second excluded."""

    to = serializers.CharField(max_length=40)
    timeZone = serializers.CharField(required=False, max_length=60)

    def get_fields(self) -> dict[str, Any]:
        # a Python keyword on the wire
        return {**super().get_fields(), "from": serializers.CharField(max_length=40)}

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        zone = data["zone"] = self._zone(data.get("timeZone"))
        data["starts_at"] = _moment(data["from"], "from", zone, is_end=False)
        data["ends_at"] = _moment(data["to"], "to", zone, is_end=True)
        if data["ends_at"] <= data["starts_at"]:
            raise serializers.ValidationError({"to": ["`to` must be after `from`."]})
        if data["ends_at"] - data["starts_at"] > timedelta(days=MAX_DAYS, hours=1):
            raise serializers.ValidationError({"to": [f"At most {MAX_DAYS} days."]})
        return data

    def _zone(self, name: str | None) -> ZoneInfo:
        try:
            return ZoneInfo(name or self.context["time_zone"])
        except (KeyError, ValueError, OSError) as error:
            message = "Name a time zone, such as Asia/Jerusalem."
            raise serializers.ValidationError({"timeZone": [message]}) from error


def _moment(text: str, field: str, zone: ZoneInfo, *, is_end: bool) -> datetime:
    try:
        if len(text) <= 10:
            day = parse_date(text)
            if day is None or not 1970 <= day.year <= 2400:
                raise ValueError(text)
            return datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=int(is_end))
        # a plus that nobody escaped is a space in a query
        moment = parse_datetime(text.replace(" ", "+"))
        if moment is None or not 1970 <= moment.year <= 2400:
            raise ValueError(text)
    except ValueError as error:
        raise serializers.ValidationError({field: ["Write a date or a moment of ISO 8601."]}) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


class DayOut(serializers.Serializer):
    date = serializers.DateField()
    availableQuantity = serializers.IntegerField()


class AvailabilityOut(serializers.Serializer):
    """`availableQuantity` can be taken for the whole time; a day's, for all of that day."""

    itemId = serializers.UUIDField()
    name = serializers.CharField()
    category = serializers.CharField()
    totalQuantity = serializers.IntegerField()
    availableQuantity = serializers.IntegerField()
    days = DayOut(many=True)
