from django.urls import path

from partner_requests import pages
from partner_requests.views.partners import PartnerViewSet
from partner_requests.views.requests import PartnerRequestViewSet

api_urlpatterns = [
    path("api/requests", PartnerRequestViewSet.as_view({"get": "list", "post": "create"})),
    path("api/requests/<uuid:request_id>", PartnerRequestViewSet.as_view({"get": "retrieve"})),
    path("admin/partners", PartnerViewSet.as_view({"post": "create"})),
]
_PAGES = "dashboard/partner-requests"
urlpatterns = [
    path(_PAGES, pages.request_list, name="dashboard-partner-requests"),
    path(f"{_PAGES}/<uuid:pk>", pages.request_detail, name="dashboard-partner-request"),
    path(f"{_PAGES}/<uuid:pk>/decide", pages.request_decide, name="dashboard-partner-request-decide"),
]
