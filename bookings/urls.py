from django.urls import path

from bookings import pages, views

api_urlpatterns = [
    path("bookings", views.BookingViewSet.as_view({"get": "list", "post": "create"})),
    path("bookings/<uuid:booking_id>", views.BookingViewSet.as_view({"get": "retrieve"})),
    path("bookings/<uuid:booking_id>/calendar.ics", views.BookingViewSet.as_view({"get": "calendar"})),
    path("bookings/<uuid:booking_id>/confirm", views.BookingViewSet.as_view({"post": "confirm"})),
    path("bookings/<uuid:booking_id>/reschedule", views.BookingViewSet.as_view({"post": "reschedule"})),
    path("bookings/<uuid:booking_id>/cancel", views.BookingViewSet.as_view({"post": "cancel"})),
    path("resources", views.ResourceViewSet.as_view({"get": "list"})),
    path("resources/<uuid:resource_id>/availability", views.ResourceViewSet.as_view({"get": "availability"})),
]
urlpatterns = [
    path("calendars/<str:token>.ics", views.resource_feed, name="resource-feed"),
    path("dashboard/bookings", pages.calendar, name="dashboard-bookings"),
    path("dashboard/bookings/new", pages.booking_new, name="dashboard-booking-new"),
    path("dashboard/bookings/<uuid:pk>", pages.booking_detail, name="dashboard-booking"),
    path("dashboard/bookings/<uuid:pk>/cancel", pages.booking_cancel_page, name="dashboard-booking-cancel"),
    path(
        "dashboard/bookings/<uuid:pk>/confirm", pages.booking_confirm_page, name="dashboard-booking-confirm"
    ),
    path("dashboard/bookings/<uuid:pk>/move", pages.booking_move, name="dashboard-booking-move"),
    path("dashboard/resources", pages.resource_list, name="dashboard-resources"),
    path("dashboard/resources/new", pages.resource_new, name="dashboard-resource-new"),
    path("dashboard/resources/<uuid:pk>", pages.resource_change, name="dashboard-resource"),
    path("dashboard/resources/<uuid:pk>/feed", pages.resource_feed_new, name="dashboard-resource-feed"),
]
