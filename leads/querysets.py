"""Reads of leads."""

from typing import Self
from uuid import UUID

from django.db.models import Q

from partners.querysets import TenantQuerySet


class LeadQuerySet(TenantQuerySet):
    def matching(self, search: str) -> Self:
        """Leads whose name, e-mail, phone, source or external id contains `search`, whatever the case.

        An id finds its lead, too.
        """
        found = Q(search_text__icontains=search)
        try:
            return self.filter(found | Q(id=UUID(search)))
        except ValueError:
            return self.filter(found)

    def of_company(self, company_id: UUID | None) -> Self:
        """Leads a key bound to a company may see; every lead for an unbound key."""
        return self if company_id is None else self.filter(company_id=company_id)
