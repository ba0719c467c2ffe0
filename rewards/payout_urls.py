"""Addresses of conversions, rewards, payouts and the postbacks' door."""

from django.urls import path

from rewards.pages import conversions, payees, payouts
from rewards.views.postbacks import postback
from rewards.views.rewards import UserRewardsViewSet

api_urlpatterns = [path("rewards/user", UserRewardsViewSet.as_view({"get": "list"}))]
_BATCH = "dashboard/conversions/payouts/<uuid:pk>"
urlpatterns = [
    path("postbacks/<str:network>", postback, name="postback"),
    path("dashboard/conversions", conversions.conversion_list, name="dashboard-conversions"),
    path("dashboard/conversions/<uuid:pk>", conversions.conversion_detail, name="dashboard-conversion"),
    path(
        "dashboard/conversions/<uuid:pk>/attribute",
        conversions.conversion_attribute_page,
        name="dashboard-conversion-attribute",
    ),
    path(
        "dashboard/conversions/<uuid:pk>/release",
        conversions.conversion_release_page,
        name="dashboard-conversion-release",
    ),
    path("dashboard/conversions/rewards", conversions.reward_list, name="dashboard-rewards"),
    path("dashboard/conversions/payouts", payouts.batch_list, name="dashboard-payouts"),
    path("dashboard/conversions/payouts/new", payouts.batch_new, name="dashboard-payout-new"),
    path(_BATCH, payouts.batch_detail, name="dashboard-payout"),
    path(f"{_BATCH}/approve", payouts.batch_approve, name="dashboard-payout-approve"),
    path(f"{_BATCH}/cancel", payouts.batch_cancel, name="dashboard-payout-cancel"),
    path(f"{_BATCH}/file", payouts.batch_file, name="dashboard-payout-file"),
    path(f"{_BATCH}/paid", payouts.batch_settle, name="dashboard-payout-paid"),
    path(f"{_BATCH}/items/<uuid:item_id>/failed", payouts.item_fail, name="dashboard-payout-failed"),
    path("dashboard/conversions/payees", payees.payee_list, name="dashboard-payees"),
    path("dashboard/conversions/payees/new", payees.payee_new, name="dashboard-payee-new"),
    path("dashboard/conversions/terms", payees.terms, name="dashboard-reward-terms"),
    path("dashboard/conversions/terms/rates", payees.rate_add, name="dashboard-rate-add"),
]
