from typing import Any

from django.urls import URLPattern, path

from pipeline.views.assignments import AssignmentViewSet
from pipeline.views.exports import LeadExportViewSet, PolicyExportViewSet, export_download
from pipeline.views.leads import PipelineLeadViewSet
from pipeline.views.policies import PolicyViewSet
from pipeline.views.proposals import ProposalViewSet
from pipeline.views.quotes import QuoteViewSet


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
    *_records("leads", "lead_id", PipelineLeadViewSet, "qualify", "convert", "reject"),
    *_records("assignments", "assignment_id", AssignmentViewSet, "accept", "reject", changes=False),
    *_records("quotes", "quote_id", QuoteViewSet, "send", "accept", "reject", "revise"),
    *_records("proposals", "proposal_id", ProposalViewSet, "send", "link", "accept", "reject"),
    *_records("policies", "policy_id", PolicyViewSet, "activate", "cancel"),
]
urlpatterns = [
    path("exports/<str:token>", export_download, name="pipeline-export-download"),
]
