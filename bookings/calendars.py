"""Bookings as iCalendar (RFC 5545): one for its customer, a resource's as a feed to subscribe to."""

from collections.abc import Iterable
from datetime import UTC, timedelta

from icalendar import Calendar, Event, vCalAddress, vText

from bookings.models import Booking, Resource

_STATUS = {
    Booking.Status.HELD: "TENTATIVE",
    Booking.Status.CONFIRMED: "CONFIRMED",
    Booking.Status.CANCELLED: "CANCELLED",
    Booking.Status.EXPIRED: "CANCELLED",
}
_REFRESH = timedelta(minutes=15)


def booking_calendar(booking: Booking) -> bytes:
    """One booking; calendars that have it already take the change by its SEQUENCE."""
    calendar = _calendar("CANCEL" if booking.status == Booking.Status.CANCELLED else "PUBLISH")
    calendar.add_component(_event(booking))
    return calendar.to_ical()


def resource_calendar(resource: Resource, bookings: Iterable[Booking]) -> bytes:
    """A resource's bookings, for calendars that subscribe to them."""
    calendar = _calendar("PUBLISH")
    calendar.add("X-WR-CALNAME", resource.name)
    calendar.add("X-WR-TIMEZONE", resource.time_zone)
    calendar.add("REFRESH-INTERVAL", _REFRESH)
    for booking in bookings:
        calendar.add_component(_event(booking))
    return calendar.to_ical()


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("PRODID", "-//Partner Hub//Bookings//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    return calendar


def _event(booking: Booking) -> Event:
    event = Event()
    event.add("UID", f"{booking.id}@partner-hub")
    event.add("SEQUENCE", booking.sequence)
    event.add("DTSTAMP", booking.updated_at.astimezone(UTC))
    event.add("DTSTART", booking.starts_at.astimezone(UTC))
    event.add("DTEND", booking.ends_at.astimezone(UTC))
    event.add("SUMMARY", f"{booking.resource.name}: {booking.customer['name']}")
    event.add("STATUS", _STATUS[Booking.Status(booking.status)])
    if booking.resource.location:
        event.add("LOCATION", booking.resource.location)
    if email := booking.customer.get("email"):
        attendee = vCalAddress(f"MAILTO:{email}")
        attendee.params["CN"] = vText(booking.customer["name"])
        event.add("ATTENDEE", attendee, encode=False)
    return event
