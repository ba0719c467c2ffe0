"""What is rented out, and who has it when."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from invoices.models import Invoice
from partners.models import ApiClient, TenantModel
from partners.querysets import TenantQuerySet
from rentals.querysets import ItemQuerySet, OrderQuerySet

MAX_QUANTITY = 100_000


class Item(TenantModel):
    """A kind of thing that is rented out, `quantity` of them alike.

    Prices are of one, in minor units without tax, for an hour, a day (24 hours) and a week begun; at least
    one of them is given. The deposit is of one, too. `tax_rate` is in per cent.
    """

    name = models.CharField(max_length=200)
    sku = models.CharField(max_length=60, blank=True)
    category = models.CharField(max_length=120, blank=True)
    description = models.TextField(max_length=4000, blank=True)
    quantity = models.PositiveIntegerField()
    price_hour_minor = models.PositiveBigIntegerField(null=True, blank=True)
    price_day_minor = models.PositiveBigIntegerField(null=True, blank=True)
    price_week_minor = models.PositiveBigIntegerField(null=True, blank=True)
    deposit_minor = models.PositiveBigIntegerField(default=0)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="ILS")
    is_active = models.BooleanField(default=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="item_quantity", condition=Q(quantity__lte=MAX_QUANTITY)),
            models.CheckConstraint(
                name="item_price",
                condition=Q(price_hour_minor__isnull=False)
                | Q(price_day_minor__isnull=False)
                | Q(price_week_minor__isnull=False),
            ),
            models.CheckConstraint(name="item_tax", condition=Q(tax_rate__gte=0, tax_rate__lte=100)),
            models.UniqueConstraint(
                "organization", "environment", Lower("sku"), name="item_sku", condition=~Q(sku="")
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="item_newest"),
            models.Index(fields=("organization", "environment", "name", "id"), name="item_name"),
        )

    def __str__(self) -> str:
        return self.name


class ItemImage(TenantModel):
    """A picture of an item, as WebP made by us; whoever knows its address may see it."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="images", db_constraint=False)
    content = models.BinaryField(max_length=1_000_000)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("item", "created_at"), name="image_item"),)

    @property
    def url(self) -> str:
        """Where anybody sees it."""
        return settings.HUB_URL.rstrip("/") + reverse("item-image", args=[self.id])

    def __str__(self) -> str:
        return str(self.id)


class Block(TenantModel):
    """Some of an item out of use: in maintenance, damaged, lost. Without an end: until somebody ends it."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="blocks", db_constraint=False)
    quantity = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="block_quantity", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="block_time", condition=Q(ends_at__isnull=True) | Q(starts_at__lt=F("ends_at"))
            ),
        )
        indexes = (models.Index(fields=("item", "-starts_at"), name="block_item"),)

    def __str__(self) -> str:
        return self.reason


class Order(TenantModel):
    """Items rented for `[starts_at, ends_at)`. A quote takes nothing off the shelf; what is reserved does.

    Amounts are sums of the lines', in minor units.
    """

    class Status(models.TextChoices):
        QUOTED = "quoted", "Quoted"
        RESERVED = "reserved", "Reserved"
        PICKED_UP = "picked_up", "Picked up"
        RETURNED = "returned", "Returned"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # {"name", "email", "phone"}
    customer = models.JSONField()
    notes = models.TextField(max_length=4000, blank=True)
    status = models.CharField(max_length=10, choices=Status)
    # Of a quote: until when its prices hold.
    expires_at = models.DateTimeField(null=True)
    currency = models.CharField(max_length=3)
    subtotal_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    total_minor = models.PositiveBigIntegerField()
    deposit_minor = models.PositiveBigIntegerField()
    deposit_kept_minor = models.PositiveBigIntegerField(default=0)
    picked_up_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)
    overdue_at = models.DateTimeField(null=True)
    cancellation_reason = models.CharField(max_length=500, blank=True)
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, related_name="+", db_constraint=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="order_time", condition=Q(starts_at__lt=F("ends_at"))),
            models.CheckConstraint(
                name="order_totals", condition=Q(total_minor=F("subtotal_minor") + F("tax_minor"))
            ),
            models.CheckConstraint(
                name="order_deposit", condition=Q(deposit_kept_minor__lte=F("deposit_minor"))
            ),
            models.CheckConstraint(
                name="order_quote", condition=~Q(status="quoted") | Q(expires_at__isnull=False)
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="order_newest"),
            models.Index(fields=("organization", "environment", "starts_at", "id"), name="order_start"),
            models.Index(fields=("ends_at",), name="order_out", condition=Q(status="picked_up")),
            models.Index(fields=("expires_at",), name="order_quoted", condition=Q(status="quoted")),
        )

    def __str__(self) -> str:
        return f"rental order {self.id}"


class Line(TenantModel):
    """So many of an item in an order: what one costs for the whole time, and what has come back."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", db_constraint=False)
    item = models.ForeignKey(Item, models.PROTECT, related_name="+", db_constraint=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.PositiveBigIntegerField()
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2)
    subtotal_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    deposit_minor = models.PositiveBigIntegerField()
    returned_quantity = models.PositiveIntegerField(default=0)
    damaged_quantity = models.PositiveIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="line_quantity", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="line_subtotal", condition=Q(subtotal_minor=F("unit_price_minor") * F("quantity"))
            ),
            models.CheckConstraint(
                name="line_returned",
                condition=Q(
                    returned_quantity__lte=F("quantity"), damaged_quantity__lte=F("returned_quantity")
                ),
            ),
            models.UniqueConstraint(fields=("order", "position"), name="line_position"),
        )

    @property
    def out_quantity(self) -> int:
        """How many have not come back, once they were picked up."""
        return self.quantity - self.returned_quantity

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"


class Allocation(TenantModel):
    """So many of an item that nobody else can have `during` a time: of an order's line or of a block.

    The sum at any moment never exceeds the item's quantity: a trigger judges it with the item locked
    (docs/decisions/0004). `unplanned` ones are facts, such as what did not come back in time: they are not
    refused, and refuse others.
    """

    item = models.ForeignKey(Item, models.CASCADE, related_name="allocations", db_constraint=False)
    line = models.OneToOneField(
        Line, models.CASCADE, null=True, related_name="allocation", db_constraint=False
    )
    block = models.OneToOneField(
        Block, models.CASCADE, null=True, related_name="allocation", db_constraint=False
    )
    during = DateTimeRangeField()
    quantity = models.PositiveIntegerField()
    unplanned = models.BooleanField(default=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="allocation_owner", condition=Q(line__isnull=True) ^ Q(block__isnull=True)
            ),
            models.CheckConstraint(
                name="allocation_quantity", condition=Q(quantity__gte=1, during__isempty=False)
            ),
        )
        indexes = (GistIndex(OpClass("item", name="gist_uuid_ops"), "during", name="allocation_time"),)

    def __str__(self) -> str:
        return f"{self.quantity} of {self.item_id}"


class DailyLedger(TenantModel):
    """The most that is taken of an item at any moment of each day of a month: `taken[0]` is of its first day.

    Days are those of the organization's time zone. Triggers write it with the item locked; what lasts longer
    than 400 days, or has no end, is left out, and no month means nothing taken (docs/decisions/0004).
    """

    item = models.ForeignKey(Item, models.CASCADE, related_name="+", db_constraint=False)
    month = models.DateField()
    taken = ArrayField(models.BigIntegerField())

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("item", "month"), name="ledger_month"),)
        indexes = (models.Index(fields=("organization", "environment", "month"), name="ledger_months"),)

    def __str__(self) -> str:
        return f"{self.item_id} in {self.month:%Y-%m}"


class OrderChange(TenantModel):
    """What happened to an order: who, when, what."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="changes", db_constraint=False)
    action = models.CharField(max_length=20)
    actor = models.CharField(max_length=255)
    at = models.DateTimeField(default=timezone.now)
    # Of a return: {"lines": [{"name", "quantity", "damagedQuantity"}]}; of a cancellation: {"reason"}.
    details = models.JSONField(default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("order", "at"), name="order_history"),)

    def __str__(self) -> str:
        return f"{self.action} of {self.order_id}"
