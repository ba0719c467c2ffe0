from django.urls import path, re_path

from webhooks.pages import deliveries, endpoints, request_bins
from webhooks.views.event_types import EventTypeViewSet
from webhooks.views.request_bins import RequestBinViewSet, receive
from webhooks.views.subscriptions import DeliveryViewSet, ReplayViewSet, SubscriptionViewSet

_WEBHOOKS = "api/v1/api-clients/<uuid:client_id>/webhooks"
_WEBHOOK = f"{_WEBHOOKS}/<uuid:webhook_id>"
_DELIVERY = f"{_WEBHOOK}/deliveries/<uuid:delivery_id>"
api_urlpatterns = [
    path(_WEBHOOKS, SubscriptionViewSet.as_view({"get": "list", "post": "create"})),
    path(_WEBHOOK, SubscriptionViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"})),
    path(f"{_WEBHOOK}/rotate-secret", SubscriptionViewSet.as_view({"post": "rotate_secret"})),
    path(f"{_WEBHOOK}/test", SubscriptionViewSet.as_view({"post": "test"})),
    path(f"{_WEBHOOK}/deliveries", DeliveryViewSet.as_view({"get": "list"})),
    path(_DELIVERY, DeliveryViewSet.as_view({"get": "retrieve"})),
    path(f"{_DELIVERY}/resend", DeliveryViewSet.as_view({"post": "resend"})),
    path(f"{_WEBHOOK}/replays", ReplayViewSet.as_view({"get": "list", "post": "create"})),
    path(
        f"{_WEBHOOK}/replays/<uuid:replay_id>",
        ReplayViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
    path("api/v1/webhook-events", EventTypeViewSet.as_view({"get": "list"})),
    path("api/v1/request-bins", RequestBinViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "api/v1/request-bins/<uuid:bin_id>", RequestBinViewSet.as_view({"put": "update", "delete": "destroy"})
    ),
    path("api/v1/request-bins/<uuid:bin_id>/requests", RequestBinViewSet.as_view({"get": "requests"})),
]

_PAGES = "dashboard/webhooks"
_ENDPOINT = f"{_PAGES}/endpoints/<uuid:pk>"
_BIN = f"{_PAGES}/bins/<uuid:pk>"
urlpatterns = [
    path(_PAGES, deliveries.delivery_list, name="dashboard-webhooks"),
    path(f"{_PAGES}/<uuid:pk>", deliveries.delivery_detail, name="dashboard-webhook-detail"),
    path(f"{_PAGES}/<uuid:pk>/resend", deliveries.resend, name="dashboard-webhook-resend"),
    path(f"{_PAGES}/endpoints", endpoints.endpoint_list, name="dashboard-webhook-endpoints"),
    path(f"{_PAGES}/endpoints/new", endpoints.endpoint_create, name="dashboard-webhook-endpoint-create"),
    path(_ENDPOINT, endpoints.endpoint_detail, name="dashboard-webhook-endpoint"),
    path(f"{_ENDPOINT}/change", endpoints.endpoint_change, name="dashboard-webhook-endpoint-change"),
    path(f"{_ENDPOINT}/status", endpoints.endpoint_status, name="dashboard-webhook-endpoint-status"),
    path(f"{_ENDPOINT}/rotate", endpoints.endpoint_rotate, name="dashboard-webhook-endpoint-rotate"),
    path(f"{_ENDPOINT}/test", endpoints.endpoint_test, name="dashboard-webhook-endpoint-test"),
    path(f"{_ENDPOINT}/replay", endpoints.endpoint_replay, name="dashboard-webhook-endpoint-replay"),
    path(f"{_ENDPOINT}/delete", endpoints.endpoint_delete, name="dashboard-webhook-endpoint-delete"),
    path(f"{_PAGES}/bins", request_bins.bin_list, name="dashboard-webhook-bins"),
    path(_BIN, request_bins.bin_detail, name="dashboard-webhook-bin"),
    path(f"{_BIN}/answer", request_bins.bin_answer, name="dashboard-webhook-bin-answer"),
    path(f"{_BIN}/delete", request_bins.bin_delete, name="dashboard-webhook-bin-delete"),
    # also what is no token: machines send there, and get the contract's 404
    re_path(r"^bins/(?P<token>[\s\S]*)$", receive, name="request-bin"),
]
