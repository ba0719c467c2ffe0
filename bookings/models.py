"""What can be booked, and bookings."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Q
from django.utils import timezone

from bookings.querysets import BookingQuerySet, ResourceQuerySet
from invoices.models import Invoice
from partners.models import ApiClient, TenantModel
from partners.querysets import TenantQuerySet


class Resource(TenantModel):
    """Something that can be booked: a room, a court, a person's time.

    Opening hours (bookings/opening_hours.py) are clock times of `time_zone`. With `slot_minutes` it is booked
    in whole slots, else from any minute to any other. After each booking it rests `buffer_minutes`.
    `capacity` bookings fit beside each other. `price_minor` is for a slot; without slots, for an hour begun.
    """

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=60, blank=True)
    location = models.CharField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    opening_hours = models.JSONField(default=dict)
    slot_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    buffer_minutes = models.PositiveSmallIntegerField(default=0)
    capacity = models.PositiveSmallIntegerField(default=1)
    price_minor = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="ILS")
    # In per cent, on top of the price.
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    # How long before its start a partner may still cancel or move a booking.
    notice_minutes = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    # What its calendar's address holds, hashed: whoever knows the address may read it.
    feed_token_hash = models.BinaryField(max_length=32, null=True, editable=False)

    objects = ResourceQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(name="resource_tax", condition=Q(tax_rate__gte=0, tax_rate__lte=100)),
            models.CheckConstraint(name="resource_capacity", condition=Q(capacity__gte=1, capacity__lte=500)),
            models.CheckConstraint(
                name="resource_slot", condition=Q(slot_minutes__isnull=True) | Q(slot_minutes__gte=1)
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "environment", "-created_at", "-id"), name="resource_newest"
            ),
            models.Index(fields=("feed_token_hash",), name="resource_feed"),
        )

    def __str__(self) -> str:
        return self.name


class Booking(TenantModel):
    """A resource taken for `[starts_at, ends_at)`, in one of its places (1 to its capacity).

    `blocks` is that time and the rest after it. No two bookings that hold or are confirmed block the same
    place at the same time: PostgreSQL refuses it, whatever the code does. Places have no meaning beyond that:
    a booking may get another one to make room.
    """

    class Status(models.TextChoices):
        HELD = "held", "Held"
        CONFIRMED = "confirmed", "Confirmed"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    resource = models.ForeignKey(Resource, models.PROTECT, related_name="bookings", db_constraint=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    place = models.PositiveSmallIntegerField(default=1)
    blocks = DateTimeRangeField()
    status = models.CharField(max_length=10, choices=Status)
    expires_at = models.DateTimeField(null=True)
    # {"name", "email", "phone"}
    customer = models.JSONField()
    price_minor = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    cancellation_reason = models.CharField(max_length=500, blank=True)
    # Of what it costs now: the last one, where a move changed the price.
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, related_name="+", db_constraint=False)
    # How often it was changed: iCalendar's SEQUENCE.
    sequence = models.PositiveIntegerField(default=0)

    objects = BookingQuerySet.as_manager()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="booking_no_overlap",
                expressions=[
                    ("resource", RangeOperators.EQUAL),
                    ("place", RangeOperators.EQUAL),
                    ("blocks", RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=("held", "confirmed")),
                # judged after each statement: one may change places
                deferrable=Deferrable.IMMEDIATE,
            ),
            models.CheckConstraint(name="booking_time", condition=Q(starts_at__lt=F("ends_at"))),
            models.CheckConstraint(
                name="booking_blocks",
                condition=Q(blocks__startswith=F("starts_at"), blocks__endswith__gte=F("ends_at")),
            ),
            models.CheckConstraint(
                name="booking_hold", condition=~Q(status="held") | Q(expires_at__isnull=False)
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="booking_newest"),
            models.Index(fields=("organization", "environment", "starts_at", "id"), name="booking_start"),
            models.Index(fields=("resource", "starts_at"), name="booking_resource"),
            models.Index(fields=("expires_at",), name="booking_held", condition=Q(status="held")),
        )

    def __str__(self) -> str:
        return f"booking {self.id}"


class BookingChange(TenantModel):
    """What happened to a booking: who, when, what from and to."""

    class Action(models.TextChoices):
        HELD = "held", "Held"
        BOOKED = "booked", "Booked"
        CONFIRMED = "confirmed", "Confirmed"
        MOVED = "rescheduled", "Rescheduled"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="changes", db_constraint=False)
    action = models.CharField(max_length=20, choices=Action)
    actor = models.CharField(max_length=255)
    at = models.DateTimeField(default=timezone.now)
    # Of a move: {"startsAt", "endsAt", "resourceId"} before; of a cancellation: {"reason"}.
    details = models.JSONField(default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("booking", "at"), name="booking_history"),)

    def __str__(self) -> str:
        return f"{self.action} of {self.booking_id}"
