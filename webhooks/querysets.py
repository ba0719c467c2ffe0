"""Reads of events, subscriptions and deliveries."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.db.models import Case, Q, When

from partners.querysets import TenantQuerySet


class SubscriptionQuerySet(TenantQuerySet):
    def active(self) -> Self:
        return self.filter(status="ACTIVE")

    def listening(self) -> Self:
        """Those whose events are to be delivered, now or once resumed; none of suspended partners."""
        return self.exclude(status="DISABLED").filter(client__status="ACTIVE", organization__status="active")

    def by_need(self) -> Self:
        """Those that need somebody first: disabled, then failing, then the newest."""
        return self.order_by(
            Case(When(status="DISABLED", then=0), When(failing_since__isnull=False, then=1), default=2),
            "-created_at",
            "-id",
        )

    def matching(self, search: str) -> Self:
        """Those whose address or description contains `search`, whatever the case."""
        return self.filter(Q(url__icontains=search) | Q(description__icontains=search))


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

    def behind(self, created_at: datetime, pk: UUID) -> Self:
        """What a list of the newest first shows after this delivery."""
        return self.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=pk))

    def retriable(self, *, since: datetime) -> Self:
        """Deliveries that failed since then and whose receiver did not ask us to stop."""
        failed = self.filter(self._listening(), status="FAILED", updated_at__gte=since)
        return failed.exclude(response_code=410)

    def _listening(self) -> Q:
        return Q(subscription=None) | Q(subscription__status="ACTIVE")
