"""Reads of jobs."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.db.models import Q

from partners.querysets import TenantQuerySet


class CallQuerySet(TenantQuerySet):
    def recorded(self) -> Self:
        """Calls whose recording is stored."""
        return self.exclude(recording_name="")

    def at_rest(self) -> Self:
        """Calls of which no job waits or runs."""
        return self.exclude(jobs__status__in=("queued", "processing"))


class JobQuerySet(TenantQuerySet):
    def due(self, *, now: datetime) -> Self:
        """Jobs a worker may take: queued and due, or held by a worker that stopped beating."""
        return self.filter(Q(status="queued", due_at__lte=now) | Q(status="processing", lease_until__lt=now))

    def of_company(self, company_id: UUID | None) -> Self:
        """Jobs a key bound to a company may see; every job for an unbound key."""
        return self if company_id is None else self.filter(call__company_id=company_id)

    def unsettled(self) -> Self:
        """Jobs that wait or run."""
        return self.filter(status__in=("queued", "processing"))

    def with_error(self, code: str) -> Self:
        """Jobs that failed for good with this code."""
        return self.filter(status="failed", error__code=code)
