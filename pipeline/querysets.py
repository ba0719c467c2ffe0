"""Reads of the pipeline."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.db.models import F, Q

from partners.querysets import TenantQuerySet


class PipelineQuerySet(TenantQuerySet):
    """Rows that belong to a lead."""

    def of_company(self, company_id: UUID | None) -> Self:
        """What a key bound to a company may see:

        what belongs to the company's leads; all for an unbound key.
        """
        return self if company_id is None else self.filter(lead__company_id=company_id)

    def named(self, *columns: str, search: str) -> Self:
        """Rows in one of whose columns, or in whose lead's name or contact, the text stands;

        or with that id.
        """
        found = Q(lead__search_text__icontains=search)
        for column in columns:
            found |= Q(**{f"{column}__icontains": search})
        try:
            return self.filter(found | Q(id=UUID(search)))
        except ValueError:
            return self.filter(found)


class AssignmentQuerySet(PipelineQuerySet):
    def open(self) -> Self:
        """Offered or accepted: what an agent has on the desk, as long as the lead is neither won nor lost."""
        return self.filter(status__in=("offered", "accepted"), lead__status__in=("new", "qualified"))

    def overdue(self, *, now: datetime) -> Self:
        return self.filter(status="offered", answer_by__lte=now)


class DatedQuerySet(PipelineQuerySet):
    """Quotes and proposals, which end by themselves at `expires_at`."""

    def overdue(self, *, now: datetime) -> Self:
        return self.filter(status="sent", expires_at__lte=now)


class PolicyQuerySet(PipelineQuerySet):
    def overdue(self, *, now: datetime) -> Self:
        return self.filter(status__in=("pending", "active"), ends_at__lte=now)


class DeskQuerySet(TenantQuerySet):
    def of_world(self) -> Self:
        """With the agent, as pages show them."""
        return self.select_related("agent__company").order_by(F("agent__name"), "id")


class ExportQuerySet(TenantQuerySet):
    def of_company(self, company_id: UUID | None) -> Self:
        """A key bound to a company sees the exports that were narrowed to it."""
        return self if company_id is None else self.filter(filters__companyId=str(company_id))

    def overdue(self, *, now: datetime) -> Self:
        return self.filter(expires_at__lte=now).exclude(file_name="")
