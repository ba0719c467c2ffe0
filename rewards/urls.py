from django.urls import path

from rewards.pages import campaigns, monitoring, performance
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
    path("dashboard/campaigns", campaigns.campaign_list, name="dashboard-campaigns"),
    path("dashboard/campaigns/new", campaigns.campaign_new, name="dashboard-campaign-new"),
    path("dashboard/campaigns/links", campaigns.link_list, name="dashboard-links"),
    path("dashboard/campaigns/performance", performance.performance, name="dashboard-performance"),
    path("dashboard/campaigns/<uuid:pk>", campaigns.campaign_detail, name="dashboard-campaign"),
    path("dashboard/campaigns/<uuid:pk>/move", campaigns.campaign_move, name="dashboard-campaign-move"),
    path("dashboard/campaigns/<uuid:pk>/links", campaigns.link_new, name="dashboard-link-new"),
    path("dashboard/links/<uuid:pk>/move", campaigns.link_move, name="dashboard-link-move"),
    path("dashboard/monitoring", monitoring.monitoring, name="dashboard-monitoring"),
]
