from django.urls import path

from leads.views import LeadViewSet

urlpatterns = [path("leads", LeadViewSet.as_view({"get": "list", "post": "create"}))]
