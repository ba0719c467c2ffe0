"""Reads of items and orders."""

from datetime import datetime
from typing import Self

from partners.querysets import TenantQuerySet


class ItemQuerySet(TenantQuerySet):
    def active(self) -> Self:
        return self.filter(is_active=True)


class OrderQuerySet(TenantQuerySet):
    def overdue(self, *, now: datetime) -> Self:
        """Those whose items should be back."""
        return self.filter(status="picked_up", ends_at__lte=now)

    def expired(self, *, now: datetime) -> Self:
        """Quotes whose prices hold no longer."""
        return self.filter(status="quoted", expires_at__lte=now)

    def taking(self) -> Self:
        """Those that have, or had, items for their time."""
        return self.exclude(status__in=("quoted", "cancelled", "expired"))
