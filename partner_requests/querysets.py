"""Reads of partner requests."""

from datetime import datetime
from typing import Self

from partners.querysets import TenantQuerySet

OPEN = ("SUBMITTED", "PROCESSING")


class PartnerRequestQuerySet(TenantQuerySet):
    def open(self) -> Self:
        """Requests that nobody settled yet."""
        return self.filter(status__in=OPEN)

    def newly_late(self, *, now: datetime) -> Self:
        """Open requests whose target time has passed, and of which nobody was told."""
        return self.open().filter(sla_breached_at=None, due_at__lt=now)
