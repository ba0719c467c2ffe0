"""Reads of campaigns and links."""

from typing import Self

from django.db.models import Q

from partners.querysets import TenantQuerySet


class SmartLinkQuerySet(TenantQuerySet):
    def matching(self, search: str) -> Self:
        """Links with this code, or whose campaign, user or sub id contains `search`, whatever the case."""
        return self.filter(
            Q(code=search)
            | Q(campaign__name__icontains=search)
            | Q(user_id__icontains=search)
            | Q(sub_id__icontains=search)
        )
