"""What bookings announce."""

from bookings.serializers import BookingOut
from credentials.scopes import Scope
from webhooks.registry import EventType, event_type


def _declared(name: str, summary: str) -> EventType:
    return event_type(name, summary=summary, scope=Scope.BOOKINGS_READ, payload=BookingOut)


BOOKING_CREATED = _declared(
    "booking.created", "A booking was made; with `status` held it is put aside, until its `expiresAt`."
)
BOOKING_CONFIRMED = _declared("booking.confirmed", "A held booking was confirmed.")
BOOKING_RESCHEDULED = _declared("booking.rescheduled", "A booking was moved to another time.")
BOOKING_CANCELLED = _declared("booking.cancelled", "A booking was cancelled.")
BOOKING_EXPIRED = _declared("booking.expired", "A held time was not confirmed, and is free again.")
