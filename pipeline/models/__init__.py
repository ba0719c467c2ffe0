"""The pipeline from a lead to a policy, by noun."""

from pipeline.models.assignments import Assignment, Desk, Roster
from pipeline.models.exports import Export
from pipeline.models.history import Change
from pipeline.models.policies import Policy, PolicySeries
from pipeline.models.proposals import Proposal
from pipeline.models.quotes import Quote

__all__ = [
    "Assignment",
    "Change",
    "Desk",
    "Export",
    "Policy",
    "PolicySeries",
    "Proposal",
    "Quote",
    "Roster",
]
