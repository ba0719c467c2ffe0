"""Contract D: what can be subscribed to."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from credentials.access import ClientApiViewSet
from credentials.permissions import ANY_KEY
from webhooks.models import Event
from webhooks.selectors import event_types_described
from webhooks.serializers import EventTypesOut


class EventTypeViewSet(ClientApiViewSet):
    """The event types of the hub."""

    queryset = Event.objects.none()
    serializer_class = EventTypesOut
    scopes = {"list": ANY_KEY}

    @extend_schema(responses=EventTypesOut)
    def list(self, request: Request) -> Response:
        return Response({"data": event_types_described()})
