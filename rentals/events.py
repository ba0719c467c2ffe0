"""What rentals announce."""

from credentials.scopes import Scope
from rentals.serializers import OrderOut
from webhooks.registry import EventType, event_type


def _declared(name: str, summary: str) -> EventType:
    return event_type(name, summary=summary, scope=Scope.RENTALS_READ, payload=OrderOut)


RENTAL_QUOTED = _declared("rental.quoted", "A price was quoted, until its `expiresAt`.")
RENTAL_EXPIRED = _declared("rental.expired", "A quote's prices hold no longer.")
RENTAL_CREATED = _declared("rental.created", "Items were reserved for an order.")
RENTAL_PICKED_UP = _declared("rental.picked_up", "An order's items were handed over.")
RENTAL_OVERDUE = _declared("rental.overdue", "An order's items should be back, and are not.")
RENTAL_RETURNED = _declared("rental.returned", "Items of an order came back: all of them, or some.")
RENTAL_CLOSED = _declared("rental.closed", "An order is done, its deposit settled.")
RENTAL_CANCELLED = _declared("rental.cancelled", "An order was cancelled; its items are free again.")
