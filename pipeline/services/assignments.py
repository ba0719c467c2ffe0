"""Leads offered to agents: one at a time, answered or timed out, and offered on."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import tenancy
from config.api.exceptions import BusinessRule, NotFound, ValidationFailed
from leads.models import Lead
from leads.services.leads import lead_update
from partners.models import Agent
from partners.services.audit import Actor
from pipeline.events import ASSIGNMENT_ACCEPTED, ASSIGNMENT_CREATED, ASSIGNMENT_REJECTED
from pipeline.exceptions import AlreadyAssigned
from pipeline.models import Assignment, Roster
from pipeline.services.recording import SWEEP, happened, shown
from pipeline.services.rosters import agent_choose, roster_lock
from pipeline.transitions import ASSIGNMENTS

log = structlog.get_logger(__name__)

Status = Assignment.Status
_OPEN = (Lead.Status.NEW, Lead.Status.QUALIFIED)
_AT_ONCE = 200


class Answered(NamedTuple):
    """An assignment that ended, and the one that the lead went on to: None where there is none."""

    assignment: Assignment
    next: Assignment | None


@transaction.atomic
def assignment_create(
    *,
    lead_id: UUID,
    client_id: UUID | None,
    actor: Actor,
    agent_id: UUID | None = None,
    strategy: str | None = None,
    answer_minutes: int | None = None,
    max_offers: int | None = None,
    bound_company_id: UUID | None = None,
) -> Assignment:
    """Offer a lead to an agent: the one named, or the one whose turn it is by the strategy.

    What is not given is the organization's; the client is the lead's then. Of simultaneous calls for one
    organization each sees what the one before chose. Raises NotFound (404) for a lead, ValidationFailed (400)
    for an agent the tenant does not have or of another company than the lead's, AlreadyAssigned (409), and
    BusinessRule (422) with `reason` lead_closed, no_agent_available, or agent_unavailable for one who has no
    room.
    """
    lead = _lead(lead_id, bound_company_id)
    if lead.status not in _OPEN:
        raise BusinessRule(f"The lead is {lead.status}.", reason="lead_closed")
    taken = Assignment.objects.filter(lead=lead, status__in=(Status.OFFERED, Status.ACCEPTED)).first()
    if taken:
        raise AlreadyAssigned(assignmentId=str(taken.id))
    if agent_id:
        _expect_agent(lead, agent_id)
    roster = roster_lock(lead.organization_id, lead.environment)
    chosen_by = strategy or roster.strategy
    agent = agent_choose(roster, lead, strategy=chosen_by, but=(), wanted=agent_id)
    if agent is None:
        reason = "agent_unavailable" if agent_id else "no_agent_available"
        raise BusinessRule("No agent has room for the lead.", reason=reason)
    made = uuid7()
    assignment = Assignment(
        id=made,
        organization_id=lead.organization_id,
        environment=lead.environment,
        client_id=client_id or lead.client_id,
        lead=lead,
        strategy=chosen_by,
        answer_minutes=answer_minutes or roster.answer_minutes,
        max_offers=max_offers or roster.max_offers,
        chain_id=made,
    )
    return _offered(assignment, agent, actor)


@transaction.atomic
def assignment_accept(*, assignment_id: UUID, actor: Actor) -> Assignment:
    """Take an offered lead: it becomes the agent's.

    Raises Assignment.DoesNotExist (404), InvalidTransition (409), also for an answer that comes too late, and
    BusinessRule (422, lead_closed).
    """
    lead, assignment, _roster = _locked(assignment_id)
    before, now = shown(assignment), timezone.now()
    if assignment.status == Status.OFFERED and assignment.answer_by <= now:
        raise ASSIGNMENTS.refused(Status.TIMED_OUT)
    assignment.status = ASSIGNMENTS.after(assignment.status, "accept")
    if lead.status not in _OPEN:
        raise BusinessRule(f"The lead is {lead.status}.", reason="lead_closed")
    assignment.answered_at = now
    assignment.save(update_fields=["status", "answered_at", "updated_at"])
    if lead.agent_id != assignment.agent_id:
        lead_update(lead_id=lead.id, changes={"agent_id": assignment.agent_id}, actor=actor)
    happened(assignment, "accept", actor=actor, before=before, event=ASSIGNMENT_ACCEPTED)
    return assignment


@transaction.atomic
def assignment_reject(*, assignment_id: UUID, reason: str, actor: Actor) -> Answered:
    """Turn an offered lead down, or give an accepted one back; it is offered to the next agent.

    Raises Assignment.DoesNotExist (404) and InvalidTransition (409).
    """
    lead, assignment, roster = _locked(assignment_id)
    if assignment.status == Status.OFFERED and assignment.answer_by <= timezone.now():
        raise ASSIGNMENTS.refused(Status.TIMED_OUT)
    return _ended(assignment, lead, roster, "reject", reason, actor)


def assignments_time_out() -> int:
    """End offers that were not answered in time, and offer their leads on; answers how many ended.

    Each is a transaction of its own. Two sweeps at once end each once.
    """
    with tenancy.operator():
        overdue = Assignment.objects.overdue(now=timezone.now()).order_by("answer_by")
        due = list(overdue.values_list("id", flat=True)[:_AT_ONCE])
    return sum(_time_out(assignment_id) for assignment_id in due)


def _time_out(assignment_id: UUID) -> bool:
    try:
        with tenancy.operator():
            lead, assignment, roster = _locked(assignment_id)
            if assignment.status != Status.OFFERED or assignment.answer_by > timezone.now():
                return False
            _ended(assignment, lead, roster, "time_out", "No answer in time.", SWEEP)
            return True
    except Exception:  # one that cannot be ended must not hold up the others
        log.exception("assignment_not_timed_out", assignment_id=str(assignment_id))
        return False


def _ended(
    assignment: Assignment, lead: Lead, roster: Roster, step: str, reason: str, actor: Actor
) -> Answered:
    before = shown(assignment)
    assignment.status = ASSIGNMENTS.after(assignment.status, step)
    assignment.answered_at, assignment.reason = timezone.now(), reason
    assignment.save(update_fields=["status", "answered_at", "reason", "updated_at"])
    agent = _next_agent(assignment, lead, roster)
    if agent is None and lead.status in _OPEN:
        assignment.is_exhausted = True
        assignment.save(update_fields=["is_exhausted", "updated_at"])
    happened(assignment, step, actor=actor, before=before, event=ASSIGNMENT_REJECTED)
    if agent is None:
        return Answered(assignment, None)
    following = Assignment(
        organization_id=assignment.organization_id,
        environment=assignment.environment,
        client_id=assignment.client_id,
        lead=lead,
        strategy=assignment.strategy,
        answer_minutes=assignment.answer_minutes,
        max_offers=assignment.max_offers,
        chain_id=assignment.chain_id,
        previous=assignment,
        attempt=assignment.attempt + 1,
    )
    return Answered(assignment, _offered(following, agent, actor))


def _next_agent(assignment: Assignment, lead: Lead, roster: Roster) -> Agent | None:
    if lead.status not in _OPEN or assignment.attempt >= assignment.max_offers:
        return None
    asked = Assignment.objects.filter(chain_id=assignment.chain_id).exclude(agent=None)
    but = set(asked.values_list("agent_id", flat=True))
    return agent_choose(roster, lead, strategy=assignment.strategy, but=but)


def _offered(assignment: Assignment, agent: Agent, actor: Actor) -> Assignment:
    assignment.agent = agent
    assignment.answer_by = timezone.now() + timedelta(minutes=assignment.answer_minutes)
    assignment.save(force_insert=True)
    happened(assignment, "create", actor=actor, before={}, event=ASSIGNMENT_CREATED)
    return assignment


def _lead(lead_id: UUID, bound_company_id: UUID | None) -> Lead:
    rows = Lead.objects.select_for_update(no_key=True, of=("self",)).of_company(bound_company_id)
    lead = rows.filter(id=lead_id).first()
    if lead is None:
        raise NotFound("There is no such lead.")
    return lead


def _locked(assignment_id: UUID) -> tuple[Lead, Assignment, Roster]:
    """Lead, assignment and roster, locked in this order, as whoever assigns locks them."""
    lead_id = Assignment.objects.values_list("lead_id", flat=True).get(id=assignment_id)
    lead = Lead.objects.select_for_update(no_key=True, of=("self",)).get(id=lead_id)
    assignment = Assignment.objects.select_for_update(of=("self",)).get(id=assignment_id)
    return lead, assignment, roster_lock(lead.organization_id, lead.environment)


def _expect_agent(lead: Lead, agent_id: UUID) -> None:
    agents = Agent.objects.for_organization(lead.organization_id, lead.environment)
    agent = agents.filter(id=agent_id).first()
    if agent is None:
        raise ValidationFailed(agentId=["There is no such agent."])
    if lead.company_id and agent.company_id != lead.company_id:
        raise ValidationFailed(agentId=["The lead's company has no such agent."])
