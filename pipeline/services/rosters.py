"""The ledger of agents: who is asked next, fairly, however many ask at once."""

from collections import Counter
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction

from leads.models import Lead
from partners.models import Agent
from partners.services.audit import Actor, audit_record
from pipeline.models import Assignment, Desk, Roster
from pipeline.models.assignments import Strategy


def roster_lock(organization_id: UUID, environment: str) -> Roster:
    """The organization's roster, held until the commit, with a desk for each of its agents.

    Call it inside a transaction, after the lead is locked and before anything is recorded.
    """
    roster_complete(organization_id, environment)
    locked = Roster.objects.select_for_update(of=("self",))
    return locked.get(organization_id=organization_id, environment=environment)


def roster_complete(organization_id: UUID, environment: str) -> Roster:
    """The organization's roster, with a desk for each of its agents: they come and go in another app."""
    tenant: dict[str, Any] = {"organization_id": organization_id, "environment": environment}
    roster, _made = Roster.objects.get_or_create(**tenant)
    known = Desk.objects.filter(**tenant).values("agent_id")
    new = Agent.objects.filter(**tenant).exclude(id__in=known).values_list("id", flat=True)
    desks = [Desk(**tenant, agent_id=agent_id) for agent_id in new]
    Desk.objects.bulk_create(desks, ignore_conflicts=True)
    return roster


def agent_choose(
    roster: Roster, lead: Lead, *, strategy: str, but: Collection[UUID], wanted: UUID | None = None
) -> Agent | None:
    """The agent who is next for a lead, whose turn it was then; None where nobody may be asked.

    Of the lead's company, where it has one; available; with fewer open leads than their capacity; not among
    `but`. `wanted` leaves one to choose from. By turn: whoever waits longest. By load: the smallest share of
    the capacity taken, then by turn. The roster must be locked.
    """
    desks = Desk.objects.for_organization(roster.organization_id, roster.environment)
    desks = desks.filter(is_available=True).exclude(agent_id__in=list(but)).select_related("agent")
    if lead.company_id:
        desks = desks.filter(agent__company_id=lead.company_id)
    if wanted:
        desks = desks.filter(agent_id=wanted)
    load = loads(roster.organization_id, roster.environment)
    free = [desk for desk in desks.order_by("last_turn", "agent_id") if load[desk.agent_id] < desk.capacity]
    if not free:
        return None
    chosen = free[0]
    if strategy == Strategy.LOAD:
        chosen = min(free, key=lambda desk: load[desk.agent_id] / desk.capacity)
    roster.turn += 1
    chosen.last_turn = roster.turn
    roster.save(update_fields=["turn", "updated_at"])
    chosen.save(update_fields=["last_turn", "updated_at"])
    return chosen.agent


def loads(organization_id: UUID, environment: str | None = None) -> Counter[UUID]:
    """How many open leads each agent has: offered or accepted, and neither won nor lost."""
    rows = Assignment.objects.for_organization(organization_id, environment).open().order_by()
    return Counter(rows.exclude(agent=None).values_list("agent_id", flat=True))


@transaction.atomic
def roster_update(*, organization_id: UUID, environment: str, actor: Actor, **terms: Any) -> Roster:
    """Change how leads are handed out; `terms` are strategy, answer_minutes and max_offers. Audited."""
    roster = roster_lock(organization_id, environment)
    before = {name: getattr(roster, name) for name in terms}
    for name, value in terms.items():
        setattr(roster, name, value)
    roster.save(update_fields=[*terms, "updated_at"])
    _audit(roster, "roster.update", actor, before, terms)
    return roster


@transaction.atomic
def desk_update(*, desk_id: UUID, capacity: int, is_available: bool, actor: Actor) -> Desk:
    """Change how many open leads an agent takes, and whether any; what is on the desk stays. Audited.

    Raises Desk.DoesNotExist (404).
    """
    desk = Desk.objects.select_for_update(of=("self",)).get(id=desk_id)
    after = {"capacity": capacity, "is_available": is_available}
    before = {name: getattr(desk, name) for name in after}
    desk.capacity, desk.is_available = capacity, is_available
    desk.save(update_fields=[*after, "updated_at"])
    _audit(desk, "desk.update", actor, before, after)
    return desk


def _audit(
    target: Roster | Desk, action: str, actor: Actor, before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=target,
        organization_id=target.organization_id,
        before=before,
        after=after,
    )
