from django.urls import path

from webhooks import pages

urlpatterns = [
    path("dashboard/webhooks", pages.delivery_list, name="dashboard-webhooks"),
    path("dashboard/webhooks/<uuid:pk>", pages.delivery_detail, name="dashboard-webhook-detail"),
    path("dashboard/webhooks/<uuid:pk>/resend", pages.resend, name="dashboard-webhook-resend"),
]
