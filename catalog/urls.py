from django.urls import path

from catalog import views
from catalog.pages import networks, offers

api_urlpatterns = [
    path("offers", views.OfferViewSet.as_view({"get": "list"})),
    path("offers/<uuid:offer_id>", views.OfferViewSet.as_view({"get": "retrieve"})),
]
urlpatterns = [
    path("dashboard/offers", offers.offer_list, name="dashboard-offers"),
    path("dashboard/offers/new", offers.offer_new, name="dashboard-offer-new"),
    path("dashboard/offers/<uuid:pk>", offers.offer_detail, name="dashboard-offer"),
    path("dashboard/offers/<uuid:pk>/edit", offers.offer_edit, name="dashboard-offer-edit"),
    path("dashboard/offers/brands", offers.brand_list, name="dashboard-brands"),
    path("dashboard/offers/brands/new", offers.brand_new, name="dashboard-brand-new"),
    path("dashboard/offers/brands/<uuid:pk>", offers.brand_change, name="dashboard-brand"),
    path("dashboard/offers/networks", networks.network_list, name="dashboard-networks"),
    path("dashboard/offers/networks/new", networks.network_new, name="dashboard-network-new"),
    path("dashboard/offers/networks/<uuid:pk>", networks.network_detail, name="dashboard-network"),
    path("dashboard/offers/networks/<uuid:pk>/edit", networks.network_change, name="dashboard-network-edit"),
    path("dashboard/offers/networks/<uuid:pk>/test", networks.network_test, name="dashboard-network-test"),
    path("dashboard/offers/networks/<uuid:pk>/sync", networks.network_sync, name="dashboard-network-sync"),
    path("dashboard/offers/syncs/<uuid:pk>", networks.sync_detail, name="dashboard-sync"),
    path("dashboard/offers/syncs/<uuid:pk>/stop", networks.sync_stop, name="dashboard-sync-stop"),
]
