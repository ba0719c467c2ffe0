"""Proposals: written from an accepted quote, sent, and answered by the end customer."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config import tenancy
from config.api.exceptions import BusinessRule, NotFound
from partners.services.audit import Actor
from pipeline.events import PROPOSAL_ACCEPTED, PROPOSAL_CREATED, PROPOSAL_REJECTED, PROPOSAL_SENT
from pipeline.exceptions import AlreadyMade
from pipeline.links import proposal_url
from pipeline.models import Proposal, Quote
from pipeline.services.recording import SWEEP, by_chain, happened, shown
from pipeline.transitions import PROPOSALS
from webhooks.registry import EventType

Status, Door = Proposal.Status, Proposal.Door
_COPIED = (
    "organization_id", "environment", "lead_id", "agent_id", "currency", "lines", "subtotal_minor",
    "tax_minor", "total_minor", "taxes",
)  # fmt: skip
_TERMS = ("title", "terms", "customer", "valid_days")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers a proposal, and how: `name` is what they typed, or are known by."""

    name: str
    door: str
    user_agent: str = ""


@transaction.atomic
def proposal_create(
    *,
    quote_id: UUID,
    client_id: UUID | None,
    terms: Mapping[str, Any],
    actor: Actor,
    bound_company_id: UUID | None = None,
) -> Proposal:
    """Write a proposal with what an accepted quote says; `terms` are as ProposalTerms validated them.

    Raises NotFound (404) for a quote, BusinessRule (422, quote_not_accepted), and AlreadyMade (409) while the
    quote has a proposal that was neither declined nor expired.
    """
    quotes = Quote.objects.select_for_update(of=("self",)).select_related("lead").of_company(bound_company_id)
    quote = quotes.filter(id=quote_id).first()
    if quote is None:
        raise NotFound("There is no such quote.")
    if quote.status != Quote.Status.ACCEPTED:
        raise BusinessRule(f"The quote is {quote.status}.", reason="quote_not_accepted")
    counting = (Status.DRAFT, Status.SENT, Status.ACCEPTED)
    there = Proposal.objects.filter(quote=quote, status__in=counting).first()
    if there:
        raise AlreadyMade("The quote has a proposal.", proposalId=str(there.id))
    lead = quote.lead
    proposal = Proposal(
        **{column: getattr(quote, column) for column in _COPIED},
        client_id=client_id or quote.client_id,
        quote=quote,
        title=quote.title,
        customer={"name": lead.name, "email": lead.email, "phone": lead.phone},
    )
    _say(proposal, terms)
    proposal.save(force_insert=True)
    happened(proposal, "create", actor=actor, before={}, event=PROPOSAL_CREATED)
    return proposal


@transaction.atomic
def proposal_update(*, proposal_id: UUID, changes: Mapping[str, Any], actor: Actor) -> Proposal:
    """Change what a draft says beside its quote.

    Raises Proposal.DoesNotExist (404), InvalidTransition (409).
    """
    proposal = _locked(proposal_id)
    before, days = shown(proposal), proposal.valid_days
    proposal.status = PROPOSALS.after(proposal.status, "update")
    _say(proposal, changes)
    if shown(proposal) != before or proposal.valid_days != days:
        proposal.save()
        happened(proposal, "update", actor=actor, before=before)
    return proposal


@transaction.atomic
def proposal_send(*, proposal_id: UUID, actor: Actor) -> Proposal:
    """Open a proposal to the customer: from now on its link works, for `valid_days`; it changes no more.

    Raises Proposal.DoesNotExist (404) and InvalidTransition (409).
    """
    proposal = _locked(proposal_id)
    status = PROPOSALS.after(proposal.status, "send")
    return _moved(proposal, "send", status, actor, PROPOSAL_SENT, sent_at=timezone.now(), **_link(proposal))


@transaction.atomic
def proposal_link_renew(*, proposal_id: UUID, actor: Actor) -> Proposal:
    """Give a sent proposal another link, which works for `valid_days` from now; the old one is dead.

    Raises Proposal.DoesNotExist (404) and InvalidTransition (409), also once the old one is over.
    """
    proposal = _locked(proposal_id)
    return _moved(proposal, "link", _judged(proposal, "link"), actor, None, **_link(proposal))


@transaction.atomic
def proposal_accept(*, proposal_id: UUID, answer: Answer, actor: Actor, nonce: str | None = None) -> Proposal:
    """Accept a sent proposal, and keep who did, when, how and from where.

    With a link's `nonce` only while that link is the present one. Raises Proposal.DoesNotExist (404) and
    InvalidTransition (409), also once the time is over.
    """
    return _answered(proposal_id, "accept", answer, actor, nonce, PROPOSAL_ACCEPTED, "")


@transaction.atomic
def proposal_reject(
    *, proposal_id: UUID, answer: Answer, reason: str, actor: Actor, nonce: str | None = None
) -> Proposal:
    """Decline a sent proposal. Keeps and raises what `proposal_accept` does."""
    return _answered(proposal_id, "reject", answer, actor, nonce, PROPOSAL_REJECTED, reason)


def proposal_link(proposal: Proposal) -> str:
    """Where the customer answers a sent proposal; whoever has the address can."""
    return proposal_url(proposal.id, proposal.link_nonce)


def proposals_expire() -> int:
    """End sent proposals whose link is over; answers how many. Two at once end each once."""
    with tenancy.operator():
        overdue = Proposal.objects.overdue(now=timezone.now()).order_by("expires_at")
        proposals = list(overdue.select_for_update(skip_locked=True, of=("self",))[:_AT_ONCE])
        for proposal in sorted(proposals, key=by_chain):
            _moved(proposal, "expire", PROPOSALS.after(proposal.status, "expire"), SWEEP, None)
        return len(proposals)


def _answered(
    proposal_id: UUID,
    step: str,
    answer: Answer,
    actor: Actor,
    nonce: str | None,
    event: EventType,
    reason: str,
) -> Proposal:
    proposal = _locked(proposal_id)
    if nonce is not None and nonce != proposal.link_nonce:
        raise Proposal.DoesNotExist
    status = _judged(proposal, step)
    return _moved(
        proposal,
        step,
        status,
        actor,
        event,
        decided_at=timezone.now(),
        decided_by=answer.name,
        decided_through=answer.door,
        decided_from=actor.ip,
        decided_with=answer.user_agent[:400],
        reason=reason,
    )


def _judged(proposal: Proposal, step: str) -> str:
    is_over = proposal.expires_at is not None and proposal.expires_at <= timezone.now()
    if proposal.status == Status.SENT and is_over:
        raise PROPOSALS.refused(Status.EXPIRED)
    return PROPOSALS.after(proposal.status, step)


def _link(proposal: Proposal) -> dict[str, Any]:
    ends_at = timezone.now() + timedelta(days=proposal.valid_days)
    return {"link_nonce": secrets.token_hex(8), "expires_at": ends_at}


def _say(proposal: Proposal, terms: Mapping[str, Any]) -> None:
    for name in _TERMS:
        if name in terms:
            value = terms[name]
            setattr(proposal, name, dict(value) if isinstance(value, Mapping) else value)


def _moved(
    proposal: Proposal, step: str, status: str, actor: Actor, event: EventType | None, **columns: Any
) -> Proposal:
    before = shown(proposal)
    for name, value in {"status": status, **columns}.items():
        setattr(proposal, name, value)
    proposal.save(update_fields=["status", *columns, "updated_at"])
    happened(proposal, step, actor=actor, before=before, event=event)
    return proposal


def _locked(proposal_id: UUID) -> Proposal:
    return Proposal.objects.select_for_update(of=("self",)).get(id=proposal_id)
