"""Organizations, their members and the users behind them."""

from django.db import transaction
from django.utils.text import slugify

from config import tenancy
from partners.models import Membership, Organization, User
from partners.services.audit import Actor, audit_record


def organization_create(*, name: str, actor: Actor, slug: str = "", region: str = "IL") -> Organization:
    """Add a tenant. Raises django.db.IntegrityError when the slug is taken."""
    with tenancy.operator():
        organization = Organization.objects.create(
            name=name, slug=slug or slugify(name) or "organization", region=region
        )
        audit_record(
            actor=actor,
            action="organization.created",
            target=organization,
            organization_id=organization.id,
            after={"name": name, "region": region},
        )
    return organization


@transaction.atomic
def member_add(*, organization: Organization, user: User, role: str, actor: Actor) -> Membership:
    """Give a user a role in an organization; a repetition changes the role."""
    with tenancy.operator():
        membership, created = Membership.objects.update_or_create(
            organization=organization, user=user, defaults={"role": role}
        )
        audit_record(
            actor=actor,
            action="member.added" if created else "member.role_changed",
            target=membership,
            organization_id=organization.id,
            after={"user": user.email, "role": role},
        )
    return membership
