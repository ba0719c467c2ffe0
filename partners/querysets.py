"""Reads of the partners app; every tenant read starts at `for_organization`."""

from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q


class TenantQuerySet(models.QuerySet):
    """Rows of one organization; the explicit filter lets PostgreSQL use the tenant index."""

    def for_organization(self, organization_id: UUID | str, environment: str | None = None) -> Self:
        rows = self.filter(organization_id=organization_id)
        return rows if environment is None else rows.filter(environment=environment)


class CompanyQuerySet(TenantQuerySet):
    def matching(self, search: str) -> Self:
        """Companies whose name or industry contains `search`, whatever the case."""
        return self.filter(Q(name__icontains=search) | Q(industry__icontains=search))
