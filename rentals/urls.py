from django.urls import path

from rentals import views
from rentals.pages import items, orders

api_urlpatterns = [
    path("inventory/items", views.InventoryViewSet.as_view({"get": "list"})),
    path("inventory/availability", views.InventoryViewSet.as_view({"get": "availability"})),
    path("rentals", views.RentalViewSet.as_view({"get": "list", "post": "create"})),
    path("rentals/<uuid:order_id>", views.RentalViewSet.as_view({"get": "retrieve"})),
    path("rentals/<uuid:order_id>/reserve", views.RentalViewSet.as_view({"post": "reserve"})),
    path("rentals/<uuid:order_id>/pick-up", views.RentalViewSet.as_view({"post": "pick_up"})),
    path("rentals/<uuid:order_id>/return", views.RentalViewSet.as_view({"post": "give_back"})),
    path("rentals/<uuid:order_id>/close", views.RentalViewSet.as_view({"post": "close"})),
    path("rentals/<uuid:order_id>/cancel", views.RentalViewSet.as_view({"post": "cancel"})),
]
urlpatterns = [
    path("dashboard/rentals", orders.calendar, name="dashboard-rentals"),
    path("dashboard/rentals/orders", orders.order_list, name="dashboard-rental-orders"),
    path("dashboard/rentals/new", orders.order_new, name="dashboard-rental-new"),
    path("dashboard/rentals/<uuid:pk>", orders.order_detail, name="dashboard-rental"),
    path("dashboard/rentals/<uuid:pk>/<str:step>", orders.order_change, name="dashboard-rental-change"),
    path("dashboard/rentals/items", items.item_list, name="dashboard-items"),
    path("dashboard/rentals/items/new", items.item_new, name="dashboard-item-new"),
    path("dashboard/rentals/items/<uuid:pk>", items.item_change, name="dashboard-item"),
    path("dashboard/rentals/items/<uuid:pk>/block", items.item_block, name="dashboard-item-block"),
    path("dashboard/rentals/items/<uuid:pk>/image", items.item_image, name="dashboard-item-image"),
    path(
        "dashboard/rentals/items/<uuid:pk>/blocks/<uuid:block_id>/end",
        items.item_block_end,
        name="dashboard-item-block-end",
    ),
    path("inventory/images/<uuid:pk>.webp", views.item_image, name="item-image"),
]
