from django.urls import path

from rentals import views

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
    path("inventory/images/<uuid:pk>.webp", views.item_image, name="item-image"),
]
