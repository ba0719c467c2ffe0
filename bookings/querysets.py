"""Reads of bookings and resources."""

from datetime import datetime
from typing import Self

from django.db.models import Q
from psycopg.types.range import TimestamptzRange

from partners.querysets import TenantQuerySet


class ResourceQuerySet(TenantQuerySet):
    def active(self) -> Self:
        return self.filter(is_active=True)


class BookingQuerySet(TenantQuerySet):
    def holding(self, *, now: datetime) -> Self:
        """Those that keep others out: confirmed, or held and not yet expired."""
        return self.filter(Q(status="confirmed") | Q(status="held", expires_at__gt=now))

    def overdue(self, *, now: datetime) -> Self:
        """Holds whose time is over."""
        return self.filter(status="held", expires_at__lte=now)

    def blocking(self, starts_at: datetime, ends_at: datetime) -> Self:
        """Those whose time or rest touches `[starts_at, ends_at)`."""
        return self.filter(blocks__overlap=TimestamptzRange(starts_at, ends_at))

    def between(self, starts_at: datetime, ends_at: datetime) -> Self:
        """Those that take place within, wholly or in part."""
        return self.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)
