"""What an organization prints on its invoices."""

from typing import Any
from uuid import UUID

from django.db import transaction

from invoices.models import Profile
from partners.services.audit import Actor, audit_record


@transaction.atomic
def profile_save(*, organization_id: UUID, environment: str, actor: Actor, **terms: Any) -> Profile:
    """Change it for the invoices that come; `terms` are its columns."""
    profile, _made = Profile.objects.update_or_create(
        organization_id=organization_id, environment=environment, defaults=terms
    )
    audit_record(
        actor=actor,
        action="invoice_profile.update",
        target=profile,
        organization_id=organization_id,
        after=terms,
    )
    return profile
