"""Reads of sites, their domains, and publishable keys."""

from typing import Self

from partners.querysets import TenantQuerySet


class SiteDomainQuerySet(TenantQuerySet):
    def verified(self) -> Self:
        """Domains whose owner has shown that they are theirs."""
        return self.filter(verified_at__isnull=False)


class PublishableKeyQuerySet(TenantQuerySet):
    def live(self) -> Self:
        """Keys that still answer: neither revoked nor of a suspended client or organization."""
        return self.filter(revoked_at=None, client__status="ACTIVE", organization__status="active")
