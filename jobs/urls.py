from django.urls import path

from jobs.pages import calls, checklists, companies, jobs
from jobs.views.calls import CallViewSet, JobViewSet
from jobs.views.companies import AgentViewSet, CompanyViewSet, HealthViewSet

partner_urlpatterns = [
    path("health", HealthViewSet.as_view({"get": "list"})),
    path("companies", CompanyViewSet.as_view({"get": "list"})),
    path("companies/create", CompanyViewSet.as_view({"post": "create"})),
    path("companies/<uuid:company_id>/agents/create", AgentViewSet.as_view({"post": "create"})),
    path("calls/analyze", CallViewSet.as_view({"post": "analyze"})),
    path("jobs/<uuid:job_id>/status", JobViewSet.as_view({"get": "status"})),
    path("jobs/<uuid:job_id>/transcript.srt", JobViewSet.as_view({"get": "subtitles_srt"})),
    path("jobs/<uuid:job_id>/transcript.vtt", JobViewSet.as_view({"get": "subtitles_vtt"})),
    path("jobs/<uuid:job_id>/report.html", JobViewSet.as_view({"get": "report"})),
]
urlpatterns = [
    path("dashboard/calls", calls.call_list, name="dashboard-calls"),
    path("dashboard/calls/new", calls.call_new, name="dashboard-call-new"),
    path("dashboard/calls/companies", companies.company_list, name="dashboard-companies"),
    path("dashboard/calls/companies/<uuid:pk>", companies.company_detail, name="dashboard-company"),
    path("dashboard/calls/types", checklists.checklist_list, name="dashboard-checklists"),
    path("dashboard/calls/types/new", checklists.checklist_new, name="dashboard-checklist-new"),
    path("dashboard/calls/types/<uuid:pk>", checklists.checklist_change, name="dashboard-checklist"),
    path(
        "dashboard/calls/types/<uuid:pk>/remove",
        checklists.checklist_remove,
        name="dashboard-checklist-remove",
    ),
    path("dashboard/calls/<uuid:pk>", calls.call_detail, name="dashboard-call"),
    path(
        "dashboard/calls/<uuid:pk>/<uuid:job_id>.<str:kind>",
        calls.call_document,
        name="dashboard-call-document",
    ),
    path("dashboard/calls/<uuid:pk>/change", calls.call_change, name="dashboard-call-change"),
    path("dashboard/jobs", jobs.job_list, name="dashboard-jobs"),
    path("dashboard/jobs/change", jobs.jobs_change, name="dashboard-jobs-change"),
    path("dashboard/jobs/<uuid:pk>", jobs.job_detail, name="dashboard-job-detail"),
]
