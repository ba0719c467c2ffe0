"""Reads of invoices."""

from datetime import datetime
from typing import Self

from partners.querysets import TenantQuerySet


class InvoiceQuerySet(TenantQuerySet):
    def open(self) -> Self:
        """Invoices that somebody still has to pay."""
        return self.filter(kind="invoice", status__in=("issued", "partly_paid"))

    def overdue(self, *, now: datetime) -> Self:
        """Open ones whose time to pay is over."""
        return self.open().filter(due_at__lte=now)
