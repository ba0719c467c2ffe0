"""Reads of events, subscriptions and deliveries."""

from datetime import datetime
from typing import Self
from uuid import UUID

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
        """Open deliveries whose time has come and that no live dispatcher holds."""
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.open().filter(free, next_attempt_at__lte=now)

    def behind(self, created_at: datetime, pk: UUID) -> Self:
        """What a list of the newest first shows after this delivery."""
        return self.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=pk))

    def retriable(self, *, since: datetime) -> Self:
        """Deliveries that failed since then and whose receiver did not ask us to stop."""
        listening = Q(subscription=None) | Q(subscription__status="ACTIVE")
        failed = self.filter(listening, status="FAILED", updated_at__gte=since)
        return failed.exclude(response_code=410)
