"""Section A: bookings, and the resources they take."""

from datetime import timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK, HTTP_201_CREATED

from bookings.calendars import booking_calendar, resource_calendar
from bookings.models import Booking, Resource
from bookings.selectors import bookings_between, slots_free
from bookings.serializers import (
    BookingDetail,
    BookingIn,
    BookingOut,
    CancelIn,
    ConfirmIn,
    RescheduleIn,
    ResourceList,
    ResourceOut,
    SlotOut,
    SlotsOut,
    SlotsQuery,
)
from bookings.services.bookings import booking_cancel, booking_confirm, booking_create, booking_reschedule
from bookings.services.resources import feed_token_hash
from config import tenancy
from config.api.exceptions import NotFound
from config.api.listing import Listing
from config.api.pagination import ListQuery, list_envelope
from credentials.scopes import Scope
from credentials.viewsets import OrganizationNamed, PartnerRequest, PartnerViewSet

BOOKINGS = Listing(
    Booking,
    BookingOut,
    sortable={
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "startsAt": "starts_at",
        "status": "status",
    },
    states=Booking.Status,
    searched=("(customer ->> 'name')", "(customer ->> 'email')", "(customer ->> 'phone')"),
)
_CALENDAR = "text/calendar; charset=utf-8"
# A feed shows what was and what comes.
_FEED_PAST, _FEED_AHEAD = timedelta(days=31), timedelta(days=366)


class BookingViewSet(OrganizationNamed, PartnerViewSet):
    """The organization's bookings."""

    queryset = Booking.objects.select_related("resource")
    serializer_class = BookingOut
    scopes = {
        "list": Scope.BOOKINGS_READ,
        "retrieve": Scope.BOOKINGS_READ,
        "calendar": Scope.BOOKINGS_READ,
        "create": Scope.BOOKINGS_WRITE,
        "confirm": Scope.BOOKINGS_WRITE,
        "reschedule": Scope.BOOKINGS_WRITE,
        "cancel": Scope.BOOKINGS_WRITE,
    }
    opens_no_transaction = frozenset({"list"})
    documents = {"calendar": "text/calendar"}
    idempotency_required = True

    @extend_schema(parameters=[ListQuery], responses=list_envelope("BookingList", BookingOut))
    def list(self, request: PartnerRequest) -> HttpResponse:
        return self.listed(BOOKINGS)

    @extend_schema(responses=BookingDetail)
    def retrieve(self, request: PartnerRequest, booking_id: UUID) -> Response:
        booking = self._booking(booking_id)
        history = booking.changes.order_by("at", "id")
        entries = [{"action": one.action, "at": one.at, "details": one.details} for one in history]
        return Response(BookingOut(booking).data | {"history": entries})

    @extend_schema(responses={(HTTP_200_OK, "text/calendar"): OpenApiTypes.STR})
    def calendar(self, request: PartnerRequest, booking_id: UUID) -> HttpResponse:
        return HttpResponse(booking_calendar(self._booking(booking_id)), content_type=_CALENDAR)

    @extend_schema(request=BookingIn, responses={HTTP_201_CREATED: BookingOut})
    def create(self, request: PartnerRequest) -> Response:
        data = self.validated(BookingIn)
        booking = booking_create(
            organization_id=self.organization_id,
            environment=self.environment,
            client_id=request.auth.client_id,
            resource_id=data["resource_id"],
            starts_at=data["starts_at"],
            ends_at=data["ends_at"],
            customer=dict(data["customer"]),
            hold_s=data["hold_s"] if data["hold"] else None,
            actor=request.auth.key_id,
        )
        return Response(BookingOut(booking).data, status=HTTP_201_CREATED)

    @extend_schema(request=ConfirmIn, responses=BookingOut)
    def confirm(self, request: PartnerRequest, booking_id: UUID) -> Response:
        self.validated(ConfirmIn)
        booking = booking_confirm(booking=self._booking(booking_id), actor=request.auth.key_id)
        return Response(BookingOut(booking).data)

    @extend_schema(request=RescheduleIn, responses=BookingOut)
    def reschedule(self, request: PartnerRequest, booking_id: UUID) -> Response:
        data = self.validated(RescheduleIn)
        booking = booking_reschedule(
            booking=self._booking(booking_id),
            starts_at=data["starts_at"],
            ends_at=data["ends_at"],
            resource_id=data["resource_id"],
            actor=request.auth.key_id,
        )
        return Response(BookingOut(booking).data)

    @extend_schema(request=CancelIn, responses=BookingOut)
    def cancel(self, request: PartnerRequest, booking_id: UUID) -> Response:
        data = self.validated(CancelIn)
        booking = booking_cancel(
            booking=self._booking(booking_id), reason=data["reason"], actor=request.auth.key_id
        )
        return Response(BookingOut(booking).data)

    def _booking(self, booking_id: UUID) -> Booking:
        booking = self.get_queryset().filter(id=booking_id).first()
        if booking is None:
            raise NotFound
        return booking


class ResourceViewSet(OrganizationNamed, PartnerViewSet):
    """What can be booked, and when it is free."""

    queryset = Resource.objects.active()
    serializer_class = ResourceOut
    scopes = {"list": Scope.BOOKINGS_READ, "availability": Scope.BOOKINGS_READ}

    @extend_schema(responses=ResourceList)
    def list(self, request: PartnerRequest) -> Response:
        return Response({"data": ResourceOut(self.get_queryset().order_by("name", "id"), many=True).data})

    @extend_schema(parameters=[SlotsQuery], responses=SlotsOut)
    def availability(self, request: PartnerRequest, resource_id: UUID) -> Response:
        query = self.validated(SlotsQuery, data=request.query_params)
        resource = self.get_queryset().filter(id=resource_id).first()
        if resource is None:
            raise NotFound
        free = slots_free(resource, first=query["from"], last=query["to"])
        rows = [{"startsAt": slot.starts_at, "endsAt": slot.ends_at, "free": slot.free} for slot in free]
        return Response(
            {
                "resourceId": resource.id,
                "timeZone": resource.time_zone,
                "slotMinutes": resource.slot_minutes,
                "data": SlotOut(rows, many=True).data,
            }
        )


@require_GET
def resource_feed(request: HttpRequest, token: str) -> HttpResponse:
    """A resource's calendar, for whoever knows its address."""
    with tenancy.operator():
        resource = Resource.objects.filter(feed_token_hash=feed_token_hash(token)).first()
        if resource is None:
            raise Http404
        now = timezone.now()
        bookings = bookings_between(now - _FEED_PAST, now + _FEED_AHEAD, resource_ids=[resource.id])
        calendar = resource_calendar(resource, bookings)
    response = HttpResponse(calendar, content_type=_CALENDAR)
    response["Cache-Control"] = "private, max-age=300"
    return response
