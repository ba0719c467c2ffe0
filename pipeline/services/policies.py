"""Policies: issued under a number, activated, changed, cancelled, expired."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from config import tenancy
from config.api.exceptions import BusinessRule, NotFound, ValidationFailed
from leads.models import Lead
from leads.services.leads import lead_move
from partners.services.audit import Actor
from pipeline.events import POLICY_ACTIVATED, POLICY_CANCELLED, POLICY_CREATED, POLICY_UPDATED
from pipeline.exceptions import AlreadyMade
from pipeline.models import Policy, Proposal
from pipeline.refunds import refund_of
from pipeline.services.recording import SWEEP, by_chain, end_of, happened, shown, today
from pipeline.transitions import POLICIES
from webhooks.registry import EventType

Status = Policy.Status
# One statement: the row is locked from here to the transaction's end, and a rollback gives the number back.
_NEXT = """
INSERT INTO pipeline_policyseries AS held
  (id, organization_id, environment, created_at, updated_at, year, last_number)
VALUES (%s, %s, %s, now(), now(), %s, 1)
ON CONFLICT (organization_id, environment, year)
DO UPDATE SET last_number = held.last_number + 1, updated_at = now() RETURNING last_number"""
# A term of more than this is a slip of the pen.
_MAX_TERM = timedelta(days=100 * 366)
_AT_ONCE = 500


@transaction.atomic
def policy_create(
    *,
    proposal_id: UUID,
    client_id: UUID | None,
    terms: Mapping[str, Any],
    actor: Actor,
    bound_company_id: UUID | None = None,
) -> Policy:
    """Issue a policy from an accepted proposal; its lead is converted by that, unless it is already.

    `terms` are as PolicyIn validated them. The number is the next of the organization, environment and year
    (of the organization's time zone): no gap and no repeat, since they are given one transaction after the
    other. Raises NotFound (404) for a proposal, BusinessRule (422, proposal_not_accepted), AlreadyMade (409)
    for a second one, ValidationFailed (400) for a term that ends before it starts or is longer than 100
    years.
    """
    rows = Proposal.objects.of_company(bound_company_id).values_list("lead_id", flat=True)
    lead_id = rows.filter(id=proposal_id).first()
    if lead_id is None:
        raise NotFound("There is no such proposal.")
    lead = Lead.objects.select_for_update(no_key=True, of=("self",)).get(id=lead_id)
    proposal = Proposal.objects.select_for_update(of=("self",)).get(id=proposal_id)
    if proposal.status != Proposal.Status.ACCEPTED:
        raise BusinessRule(f"The proposal is {proposal.status}.", reason="proposal_not_accepted")
    there = Policy.objects.filter(proposal=proposal).first()
    if there:
        raise AlreadyMade("The proposal has a policy.", policyId=str(there.id))
    policy = Policy(
        organization_id=proposal.organization_id,
        environment=proposal.environment,
        client_id=client_id or proposal.client_id,
        lead=lead,
        agent_id=lead.agent_id,
        proposal=proposal,
        holder=proposal.customer,
        product=proposal.title,
        currency=proposal.currency,
        premium_minor=proposal.total_minor,
        ends_on=_a_year_on(terms["starts_on"]),
    )
    _say(policy, terms)
    # the number's lock before the audit trail's
    policy.number = _number(policy, timezone.now())
    if lead.status == Lead.Status.QUALIFIED:
        lead_move(lead_id=lead.id, status=Lead.Status.CONVERTED, actor=actor)
    policy.save(force_insert=True)
    happened(policy, "create", actor=actor, before={}, event=POLICY_CREATED)
    return policy


@transaction.atomic
def policy_update(*, policy_id: UUID, changes: Mapping[str, Any], reason: str, actor: Actor) -> Policy:
    """Endorse a policy: change its product, holder, premium or term. What changes nothing is no endorsement.

    Raises Policy.DoesNotExist (404), InvalidTransition (409), ValidationFailed (400) as `policy_create` does,
    and BusinessRule (422, term_begun) for another start of an active one, or (422, term_over) for an end that
    is past.
    """
    policy = _locked(policy_id)
    before = shown(policy)
    policy.status = POLICIES.after(policy.status, "update")
    starts_on = policy.starts_on
    _say(policy, changes)
    if policy.status == Status.ACTIVE and policy.starts_on != starts_on:
        raise BusinessRule("Cover has begun: the start stays.", reason="term_begun")
    if policy.ends_at <= timezone.now():
        raise BusinessRule("The term would be over: cancel the policy.", reason="term_over")
    if shown(policy) == before:
        return policy
    policy.endorsements += 1
    policy.reason = reason
    policy.save()
    happened(policy, "update", actor=actor, before=before, event=POLICY_UPDATED)
    return policy


@transaction.atomic
def policy_activate(*, policy_id: UUID, actor: Actor, early: bool = False) -> Policy:
    """Begin a policy's cover.

    Raises Policy.DoesNotExist (404), InvalidTransition (409), and BusinessRule (422) with `reason`
    before_start, unless `early` says that it is meant, or term_over.
    """
    policy, now = _locked(policy_id), timezone.now()
    status = POLICIES.after(policy.status, "activate")
    if policy.ends_at <= now:
        raise BusinessRule("The term is over.", reason="term_over")
    if not early and today(policy.organization_id, now) < policy.starts_on:
        message = f"The term begins on {policy.starts_on}."
        raise BusinessRule(message, reason="before_start", startsOn=policy.starts_on.isoformat())
    return _moved(policy, "activate", status, actor, POLICY_ACTIVATED, activated_at=now)


@transaction.atomic
def policy_cancel(
    *, policy_id: UUID, reason: str, actor: Actor, cancelled_from: date | None = None
) -> Policy:
    """End a policy before its time, from a day on (today), and work out what is given back.

    Cover that never began is given back whole. Raises Policy.DoesNotExist (404), InvalidTransition (409), and
    BusinessRule (422, after_end) for a day after the term.
    """
    policy, now = _locked(policy_id), timezone.now()
    was_active = policy.status == Status.ACTIVE
    status = POLICIES.after(policy.status, "cancel")
    day = cancelled_from or today(policy.organization_id, now)
    if day > policy.ends_on:
        raise BusinessRule("The policy ends before that day.", reason="after_end")
    refund = policy.premium_minor
    if was_active:
        refund = refund_of(
            premium_minor=policy.premium_minor,
            starts_on=policy.starts_on,
            ends_on=policy.ends_on,
            cancelled_from=day,
        )
    return _moved(
        policy,
        "cancel",
        status,
        actor,
        POLICY_CANCELLED,
        cancelled_at=now,
        cancelled_from=day,
        refund_minor=refund,
        reason=reason,
    )


def policies_expire() -> int:
    """End policies whose term is over; answers how many. Two at once end each once."""
    with tenancy.operator():
        overdue = Policy.objects.overdue(now=timezone.now()).order_by("ends_at")
        policies = list(overdue.select_for_update(skip_locked=True, of=("self",))[:_AT_ONCE])
        for policy in sorted(policies, key=by_chain):
            _moved(policy, "expire", POLICIES.after(policy.status, "expire"), SWEEP, None)
        return len(policies)


def _say(policy: Policy, terms: Mapping[str, Any]) -> None:
    for name in ("product", "holder", "premium_minor", "starts_on", "ends_on"):
        if name in terms:
            value = terms[name]
            setattr(policy, name, dict(value) if isinstance(value, Mapping) else value)
    if policy.ends_on < policy.starts_on:
        raise ValidationFailed(endsOn=["The end must not be before the start."])
    if policy.ends_on - policy.starts_on > _MAX_TERM:
        raise ValidationFailed(endsOn=["A term is at most 100 years."])
    policy.ends_at = end_of(policy.organization_id, policy.ends_on)


def _a_year_on(day: date) -> date:
    """The last day of a year that begins on `day`."""
    try:
        return day.replace(year=day.year + 1) - timedelta(days=1)
    except ValueError:  # 29 February
        return day + timedelta(days=365)


def _number(policy: Policy, now: datetime) -> str:
    year = today(policy.organization_id, now).year
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [uuid7(), policy.organization_id, policy.environment, year])
        return f"P{year}-{cursor.fetchone()[0]:06}"


def _moved(
    policy: Policy, step: str, status: str, actor: Actor, event: EventType | None, **columns: Any
) -> Policy:
    before = shown(policy)
    for name, value in {"status": status, **columns}.items():
        setattr(policy, name, value)
    policy.save(update_fields=["status", *columns, "updated_at"])
    happened(policy, step, actor=actor, before=before, event=event)
    return policy


def _locked(policy_id: UUID) -> Policy:
    return Policy.objects.select_for_update(of=("self",)).get(id=policy_id)
