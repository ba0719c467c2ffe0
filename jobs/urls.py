from django.urls import path

from jobs import pages
from jobs.views.calls import CallViewSet, JobViewSet
from jobs.views.companies import AgentViewSet, CompanyViewSet, HealthViewSet

partner_urlpatterns = [
    path("health", HealthViewSet.as_view({"get": "list"})),
    path("companies", CompanyViewSet.as_view({"get": "list"})),
    path("companies/create", CompanyViewSet.as_view({"post": "create"})),
    path("companies/<uuid:company_id>/agents/create", AgentViewSet.as_view({"post": "create"})),
    path("calls/analyze", CallViewSet.as_view({"post": "analyze"})),
    path("jobs/<uuid:job_id>/status", JobViewSet.as_view({"get": "status"})),
]
urlpatterns = [
    path("dashboard/jobs", pages.job_list, name="dashboard-jobs"),
    path("dashboard/jobs/change", pages.jobs_change, name="dashboard-jobs-change"),
    path("dashboard/jobs/<uuid:pk>", pages.job_detail, name="dashboard-job-detail"),
]
