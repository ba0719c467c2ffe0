"""Reads of events, subscriptions and deliveries."""

from datetime import datetime
from typing import Self

from django.db.models import Q

from partners.querysets import TenantQuerySet


class SubscriptionQuerySet(TenantQuerySet):
    def active(self) -> Self:
        return self.filter(status="ACTIVE")


class DeliveryQuerySet(TenantQuerySet):
    def open(self) -> Self:
        """Deliveries that still have an attempt to come."""
        return self.filter(status__in=("PENDING", "RETRYING"))

    def due(self, *, now: datetime) -> Self:
        """Those awaiting that no live dispatcher holds."""
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.awaiting(now=now).filter(free)

    def awaiting(self, *, now: datetime) -> Self:
        """Open deliveries whose time has come, but for those of paused or disabled subscriptions."""
        return self.open().filter(self._listening(), next_attempt_at__lte=now)

    def retriable(self, *, since: datetime) -> Self:
        """Deliveries that failed since then and whose receiver did not ask us to stop."""
        failed = self.filter(self._listening(), status="FAILED", updated_at__gte=since)
        return failed.exclude(response_code=410)

    def _listening(self) -> Q:
        return Q(subscription=None) | Q(subscription__status="ACTIVE")
