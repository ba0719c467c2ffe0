from django.urls import path

from storefronts import views

api_urlpatterns = [
    path(
        "v1/widgets/offers",
        views.WidgetOfferViewSet.as_view({"get": "list", "options": "preflight"}),
    ),
    path(
        "v1/widgets/offers/<uuid:offer_id>",
        views.WidgetOfferViewSet.as_view({"get": "retrieve", "options": "preflight"}),
    ),
]
urlpatterns = [
    path("widgets/<slug:name>.js", views.widget_script, name="widget-script"),
    path("widgets/<str:version>/<slug:name>.js", views.widget_script, name="widget-script-version"),
    path("widgets/demo", views.widget_demo, name="widget-demo"),
    path("sites/ask", views.tls_ask, name="sites-ask"),
]
