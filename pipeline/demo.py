"""Demo leads on their ways: offered, quoted, proposed, insured."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from config.tenancy import Environment
from leads.models import Lead
from leads.services.leads import lead_create, lead_move
from partners.models import Organization
from partners.services.audit import Actor
from pipeline.models import Proposal, Quote
from pipeline.services.assignments import assignment_accept, assignment_create
from pipeline.services.policies import policy_activate, policy_create
from pipeline.services.proposals import Answer, proposal_accept, proposal_create, proposal_send
from pipeline.services.quotes import quote_accept, quote_create, quote_send

_PEOPLE = (
    ("Noa Bar", "050-555-0101", 180_000),
    ("Yael Cohen", "050-555-0102", 240_000),
    ("Tom Reed", "050-555-0103", 96_000),
    ("Dana Katz", "050-555-0104", 310_000),
)
_LINES = (
    {
        "description": "Comprehensive car cover, one year",
        "quantity": Decimal(1),
        "unit_price_minor": 240_000,
        "discount_minor": 12_000,
        "tax_rate": Decimal(18),
    },
    {
        "description": "Glass and road assistance",
        "quantity": Decimal(1),
        "unit_price_minor": 18_000,
        "tax_rate": Decimal(18),
    },
)


def pipeline_load(*, organization: Organization, actor: Actor) -> None:
    """Four leads of the organization's sandbox: new, offered, quoted, and one with an active policy.

    Call it in the operator's context, once there are agents.
    """
    _new, offered, quoted, insured = (_lead(organization, actor, *person) for person in _PEOPLE)
    assignment_create(lead_id=offered.id, client_id=None, actor=actor)
    for lead in (quoted, insured):
        made = assignment_create(lead_id=lead.id, client_id=None, actor=actor)
        assignment_accept(assignment_id=made.id, actor=actor)
        lead_move(lead_id=lead.id, status=Lead.Status.QUALIFIED, actor=actor)
    quote_send(quote_id=_quote(quoted, actor).id, actor=actor)
    _insure(insured, actor)


def _lead(organization: Organization, actor: Actor, name: str, phone: str, value_minor: int) -> Lead:
    terms: dict[str, Any] = {
        "name": name, "phone": phone, "value_minor": value_minor, "currency": "ILS", "source": "website",
        "email": "", "external_id": "", "notes": "", "tags": [], "custom_fields": {}, "company_id": None,
        "agent_id": None,
    }  # fmt: skip
    return lead_create(
        organization_id=organization.id,
        environment=Environment.SANDBOX,
        client_id=None,
        actor=actor.name,
        **terms,
    )


def _quote(lead: Lead, actor: Actor) -> Quote:
    return quote_create(
        lead_id=lead.id,
        client_id=None,
        title="Car insurance",
        notes="",
        currency="ILS",
        valid_until=timezone.now().date() + timedelta(days=30),
        lines=_LINES,
        actor=actor,
    )


def _insure(lead: Lead, actor: Actor) -> None:
    quote = _quote(lead, actor)
    quote_send(quote_id=quote.id, actor=actor)
    quote_accept(quote_id=quote.id, actor=actor)
    terms = {"terms": "The premium is due within 30 days of the first day of cover."}
    proposal = proposal_create(quote_id=quote.id, client_id=None, terms=terms, actor=actor)
    proposal_send(proposal_id=proposal.id, actor=actor)
    answer = Answer(lead.name, Proposal.Door.DASHBOARD)
    proposal_accept(proposal_id=proposal.id, answer=answer, actor=actor)
    begun = {"starts_on": timezone.now().date() - timedelta(days=1)}
    policy = policy_create(proposal_id=proposal.id, client_id=None, terms=begun, actor=actor)
    policy_activate(policy_id=policy.id, actor=actor)
