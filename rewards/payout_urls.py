"""Addresses of conversions, rewards, payouts and the postbacks' door."""

from django.urls import path

from rewards.views.postbacks import postback
from rewards.views.rewards import UserRewardsViewSet

api_urlpatterns = [path("rewards/user", UserRewardsViewSet.as_view({"get": "list"}))]
urlpatterns = [path("postbacks/<str:network>", postback, name="postback")]
