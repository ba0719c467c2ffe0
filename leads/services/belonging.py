"""Whose a lead is: the company it came for, and the agent who looks after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from config.api.exceptions import Forbidden, ValidationFailed
from partners.models import Agent, Company


@dataclass(frozen=True, slots=True)
class Belonging:
    """The companies and agents (with their companies) of a tenant that some leads name."""

    companies: frozenset[UUID]
    agents: Mapping[UUID, UUID]
    bound_company_id: UUID | None

    @classmethod
    def of(
        cls,
        organization_id: UUID,
        environment: str,
        items: Sequence[Mapping[str, Any]],
        *,
        bound_company_id: UUID | None,
    ) -> Self:
        """Look up what these items name, each table once and only where something is named."""
        named = {item["company_id"] for item in items if item["company_id"]}
        companies = Company.objects.for_organization(organization_id, environment).filter(id__in=named)
        wanted = {item["agent_id"] for item in items if item["agent_id"]}
        agents = Agent.objects.for_organization(organization_id, environment).filter(id__in=wanted)
        return cls(
            frozenset(companies.values_list("id", flat=True)) if named else frozenset(),
            dict(agents.values_list("id", "company_id")) if wanted else {},
            bound_company_id,
        )

    def placed(self, terms: Mapping[str, Any]) -> dict[str, Any]:
        """The terms, with the agent's or the key's company where none is named.

        Raises ValidationFailed (400) for a company or agent that is not the tenant's, or an agent of another
        company; Forbidden (403, company_not_allowed) for another company than the key is bound to.
        """
        company_id, agent_id = terms["company_id"], terms["agent_id"]
        if company_id and company_id not in self.companies:
            raise ValidationFailed(companyId=["There is no such company."])
        if agent_id and agent_id not in self.agents:
            raise ValidationFailed(agentId=["There is no such agent."])
        if agent_id and company_id not in (None, self.agents[agent_id]):
            raise ValidationFailed(agentId=["The company has no such agent."])
        if agent_id:
            company_id = self.agents[agent_id]
        if self.bound_company_id and company_id not in (None, self.bound_company_id):
            raise Forbidden("The key is bound to another company.", reason="company_not_allowed")
        return {**terms, "company_id": company_id or self.bound_company_id}
