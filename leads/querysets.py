"""Reads of leads."""

from typing import Self

from django.db.models import Q

from partners.querysets import TenantQuerySet


class LeadQuerySet(TenantQuerySet):
    def matching(self, search: str) -> Self:
        """Leads whose name, e-mail, phone or source contains `search`, whatever the case."""
        return self.filter(
            Q(name__icontains=search)
            | Q(email__icontains=search)
            | Q(phone__icontains=search)
            | Q(source__icontains=search)
        )

    def same_person(self, *, email: str, phone: str) -> Self:
        """Leads with this normalised e-mail or phone; none when both are empty."""
        same = Q()
        if email:
            same |= Q(email_normalized=email)
        if phone:
            same |= Q(phone_normalized=phone)
        return self.filter(same) if same else self.none()
