"""Every door of the hub, by surface."""

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from bookings.urls import api_urlpatterns as bookings
from catalog.urls import api_urlpatterns as catalog
from config import health
from config.policy import deprecation_policy
from credentials import openapi  # noqa: F401 (how the document made of these addresses describes keys)
from credentials.urls import api_urlpatterns as governance
from invoices.urls import api_urlpatterns as invoices
from jobs.urls import partner_urlpatterns as call_analysis
from leads.urls import api_urlpatterns as leads
from oauth.urls import api_urlpatterns as oauth
from oauth.urls import oauth_urlpatterns
from partner_requests.urls import api_urlpatterns as partner_requests
from pipeline.urls import api_urlpatterns as pipeline
from rentals.urls import api_urlpatterns as rentals
from rewards.payout_urls import api_urlpatterns as rewards
from rewards.urls import campaigns_urlpatterns as campaigns
from storefronts.urls import api_urlpatterns as widgets
from webhooks.urls import api_urlpatterns as webhooks

admin.autodiscover()
# a password alone must not open the admin
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# second factors and their seeds are nobody's to look at
for model in (Authenticator, EmailAddress, Group):
    admin.site.unregister(model)
admin.site.site_header = "Partner Hub"
admin.site.site_title = "Partner Hub"
admin.site.index_title = "Operations"
admin.site.site_url = "/dashboard/"

urlpatterns = [
    # partners
    path("api/partner/v1/", include(leads)),
    path("api/partner/v1/", include(bookings)),
    path("api/partner/v1/", include(rentals)),
    path("api/partner/v1/", include(invoices)),
    path("api/partner/v1/", include(call_analysis)),
    path("v1/", include(catalog)),
    path("v1/", include(campaigns)),
    path("v1/", include(rewards)),
    path("api/v1/", include(pipeline)),
    path("", include(governance)),
    path("", include(oauth)),
    path("", include(webhooks)),
    path("", include(partner_requests)),
    path("", include(widgets)),
    # the toolkit finds these by this name
    path("", include((oauth_urlpatterns, "oauth2_provider"))),
    # people
    path("", RedirectView.as_view(pattern_name="dashboard-home")),
    path("", include("partners.urls")),
    path("", include("credentials.urls")),
    path("", include("oauth.urls")),
    path("", include("webhooks.urls")),
    path("", include("bookings.urls")),
    path("", include("rentals.urls")),
    path("", include("rewards.urls")),
    path("", include("rewards.payout_urls")),
    path("", include("ledger.urls")),
    path("", include("invoices.urls")),
    path("", include("leads.urls")),
    path("", include("catalog.urls")),
    path("", include("pipeline.urls")),
    path("", include("jobs.urls")),
    path("", include("partner_requests.urls")),
    path("", include("storefronts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    # documents
    path("docs/openapi.json", SpectacularAPIView.as_view(), name="openapi"),
    path("docs/api", SpectacularSwaggerSplitView.as_view(url_name="openapi"), name="api-docs"),
    path("docs/api/partner-v1.md", deprecation_policy),
    # machines that look after us
    path("livez", health.livez),
    path("readyz", health.readyz),
]
