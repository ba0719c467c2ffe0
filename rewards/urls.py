from django.urls import path

from rewards.views.campaigns import CampaignViewSet, LinkViewSet
from rewards.views.redirects import link_follow, link_qr

campaigns_urlpatterns = [
    path("campaigns", CampaignViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "campaigns/<uuid:campaign_id>",
        CampaignViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path("links", LinkViewSet.as_view({"get": "list", "post": "create"})),
    path("links/<uuid:link_id>", LinkViewSet.as_view({"get": "retrieve", "patch": "partial_update"})),
]
urlpatterns = [
    path("r/<str:code>", link_follow, name="link"),
    path("r/<str:code>/qr.<str:kind>", link_qr, name="link-qr"),
]
