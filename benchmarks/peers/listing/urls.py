from django.urls import path

from listing.views import LeadList

urlpatterns = [path("api/partner/v1/leads", LeadList.as_view())]
