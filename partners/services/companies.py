"""Companies and their agents (contract B)."""

from uuid import UUID

from django.db import IntegrityError, transaction

from partners.exceptions import AgentExists
from partners.models import Agent, Company


@transaction.atomic
def company_create(
    *,
    organization_id: UUID,
    environment: str,
    name: str,
    industry: str = "",
    contact_email: str = "",
) -> Company:
    """Add a company. Names may repeat: two branches of one chain are two companies."""
    return Company.objects.create(
        organization_id=organization_id,
        environment=environment,
        name=name,
        industry=industry,
        contact_email=contact_email,
    )


def agent_create(
    *,
    organization_id: UUID,
    environment: str,
    company_id: UUID,
    email: str,
    name: str,
    role: str = "",
) -> Agent:
    """Add an agent to a company of the tenant.

    Raises Company.DoesNotExist (404), also for another tenant's company, and AgentExists (409).
    """
    company = Company.objects.for_organization(organization_id, environment).get(id=company_id)
    try:
        with transaction.atomic():
            return Agent.objects.create(
                organization_id=organization_id,
                environment=environment,
                company=company,
                email=email,
                name=name,
                role=role,
            )
    except IntegrityError as error:
        raise AgentExists from error
