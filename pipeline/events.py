"""What the pipeline announces beside leads' own events: each once, by the change that it names."""

from collections.abc import Callable
from typing import Any

from credentials.scopes import Scope
from pipeline.serializers.assignments import AssignmentOut
from pipeline.serializers.policies import PolicyOut
from pipeline.serializers.proposals import ProposalOut
from pipeline.serializers.quotes import QuoteOut
from webhooks.registry import EventType, event_type


def _of(scope: Scope, payload: Callable[..., Any]) -> Callable[[str, str], EventType]:
    return lambda name, summary: event_type(name, summary=summary, scope=scope, payload=payload)


_assignment = _of(Scope.ASSIGNMENTS_READ, AssignmentOut)
_quote = _of(Scope.QUOTES_READ, QuoteOut)
_proposal = _of(Scope.PROPOSALS_READ, ProposalOut)
_policy = _of(Scope.POLICIES_READ, PolicyOut)

ASSIGNMENT_CREATED = _assignment(
    "assignment.created", "A lead was offered to an agent; with `attempt` above 1, after others had it."
)
ASSIGNMENT_ACCEPTED = _assignment("assignment.accepted", "An agent took a lead.")
ASSIGNMENT_REJECTED = _assignment(
    "assignment.rejected",
    "An agent turned a lead down or gave it back (`status` rejected), or did not answer in time (timed_out).",
)

QUOTE_CREATED = _quote("quote.created", "A quote, or a new version of one (`supersedesId`), was written.")
QUOTE_SENT = _quote("quote.sent", "A quote went to the customer.")
QUOTE_ACCEPTED = _quote("quote.accepted", "The customer accepted a quote.")
QUOTE_REJECTED = _quote("quote.rejected", "The customer turned a quote down.")

PROPOSAL_CREATED = _proposal("proposal.created", "A proposal was written from an accepted quote.")
PROPOSAL_SENT = _proposal("proposal.sent", "A proposal can be accepted by its link.")
PROPOSAL_ACCEPTED = _proposal("proposal.accepted", "The customer accepted a proposal.")
PROPOSAL_REJECTED = _proposal("proposal.rejected", "The customer declined a proposal.")

POLICY_CREATED = _policy("policy.created", "A policy was issued, under its number.")
POLICY_UPDATED = _policy("policy.updated", "A policy was changed by an endorsement.")
POLICY_ACTIVATED = _policy("policy.activated", "A policy's cover began.")
POLICY_CANCELLED = _policy("policy.cancelled", "A policy was cancelled; `refundMinor` is given back.")
