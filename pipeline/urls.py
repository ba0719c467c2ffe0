from typing import Any

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from pipeline.pages import exports, leads, records, rosters
from pipeline.pages.answering import proposal_answer
from pipeline.pages.kinds import KINDS
from pipeline.views.assignments import AssignmentViewSet
from pipeline.views.exports import LeadExportViewSet, PolicyExportViewSet, export_download
from pipeline.views.leads import PipelineLeadBulkViewSet, PipelineLeadViewSet
from pipeline.views.policies import PolicyViewSet
from pipeline.views.proposals import ProposalViewSet
from pipeline.views.quotes import QuoteViewSet


class _KindConverter(StringConverter):
    regex = "|".join(KINDS)


register_converter(_KindConverter, "pipeline_kind")


def _records(noun: str, name: str, view: Any, *steps: str, changes: bool = True) -> list[URLPattern]:
    """A list, one of it, and a path for each of its steps."""
    one = {"get": "retrieve"} | ({"put": "update", "patch": "partial_update"} if changes else {})
    return [
        path(noun, view.as_view({"get": "list", "post": "create"})),
        path(f"{noun}/<uuid:{name}>", view.as_view(one)),
        *(path(f"{noun}/<uuid:{name}>/{step}", view.as_view({"post": step})) for step in steps),
    ]


def _exports(noun: str, view: Any) -> list[URLPattern]:
    return [
        path(f"{noun}/exports", view.as_view({"get": "list", "post": "create"})),
        path(f"{noun}/exports/<uuid:export_id>", view.as_view({"get": "retrieve"})),
    ]


api_urlpatterns = [
    *_exports("leads", LeadExportViewSet),
    *_exports("policies", PolicyExportViewSet),
    path("leads/bulk", PipelineLeadBulkViewSet.as_view({"post": "create"})),
    *_records("leads", "lead_id", PipelineLeadViewSet, "qualify", "convert", "reject"),
    *_records("assignments", "assignment_id", AssignmentViewSet, "accept", "reject", changes=False),
    *_records("quotes", "quote_id", QuoteViewSet, "send", "accept", "reject", "revise"),
    *_records("proposals", "proposal_id", ProposalViewSet, "send", "link", "accept", "reject"),
    *_records("policies", "policy_id", PolicyViewSet, "activate", "cancel"),
]
_PIPELINE = "dashboard/pipeline"
_KIND = "<pipeline_kind:plural>"
urlpatterns = [
    path("proposal/<str:token>", proposal_answer, name="pipeline-proposal"),
    path(_PIPELINE, leads.board, name="dashboard-pipeline"),
    path(f"{_PIPELINE}/agents", rosters.roster, name="dashboard-pipeline-roster"),
    path(f"{_PIPELINE}/agents/<uuid:pk>", rosters.desk_change, name="dashboard-pipeline-desk"),
    path(f"{_PIPELINE}/exports", exports.export_list, name="dashboard-pipeline-exports"),
    path(f"{_PIPELINE}/leads/<uuid:pk>", leads.lead_pipeline, name="dashboard-pipeline-lead"),
    path(f"{_PIPELINE}/leads/<uuid:pk>/assign", leads.lead_assign, name="dashboard-pipeline-assign"),
    path(f"{_PIPELINE}/leads/<uuid:pk>/quote", leads.quote_new, name="dashboard-pipeline-quote-new"),
    path(f"{_PIPELINE}/leads/<uuid:pk>/<slug:status>", leads.lead_step, name="dashboard-pipeline-lead-step"),
    path(f"{_PIPELINE}/quotes/<uuid:pk>/edit", leads.quote_edit, name="dashboard-pipeline-quote-edit"),
    path(
        f"{_PIPELINE}/quotes/<uuid:pk>/proposal", records.proposal_new, name="dashboard-pipeline-proposal-new"
    ),
    path(f"{_PIPELINE}/proposals/<uuid:pk>/policy", records.policy_new, name="dashboard-pipeline-policy-new"),
    path(f"{_PIPELINE}/{_KIND}", records.record_list, name="dashboard-pipeline-records"),
    path(f"{_PIPELINE}/{_KIND}/<uuid:pk>", records.record_detail, name="dashboard-pipeline-record"),
    path(f"{_PIPELINE}/{_KIND}/<uuid:pk>/<slug:step>", records.record_step, name="dashboard-pipeline-step"),
    path("exports/<str:token>", export_download, name="pipeline-export-download"),
]
