"""Companies and their agents (contract B)."""

from uuid import UUID

from django.db import IntegrityError, transaction

from partners.exceptions import AgentExists
from partners.models import Agent, Company
from partners.services.audit import Actor, audit_record


@transaction.atomic
def company_create(
    *,
    organization_id: UUID,
    environment: str,
    name: str,
    industry: str = "",
    contact_email: str = "",
    actor: Actor | None = None,
) -> Company:
    """Add a company; a person's doing is audited. Names may repeat: two branches of a chain are two."""
    company = Company.objects.create(
        organization_id=organization_id,
        environment=environment,
        name=name,
        industry=industry,
        contact_email=contact_email,
    )
    _audit(company, "company.created", actor)
    return company


def agent_create(
    *,
    organization_id: UUID,
    environment: str,
    company_id: UUID,
    email: str,
    name: str,
    role: str = "",
    actor: Actor | None = None,
) -> Agent:
    """Add an agent to a company of the tenant; a person's doing is audited.

    Raises Company.DoesNotExist (404), also for another tenant's company, and AgentExists (409).
    """
    company = Company.objects.for_organization(organization_id, environment).get(id=company_id)
    try:
        with transaction.atomic():
            agent = Agent.objects.create(
                organization_id=organization_id,
                environment=environment,
                company=company,
                email=email,
                name=name,
                role=role,
            )
    except IntegrityError as error:
        raise AgentExists from error
    _audit(agent, "agent.created", actor)
    return agent


def _audit(made: Company | Agent, action: str, actor: Actor | None) -> None:
    if actor:
        audit_record(actor=actor, action=action, target=made, organization_id=made.organization_id)
