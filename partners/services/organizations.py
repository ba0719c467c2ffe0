"""Organizations, their members and the users behind them."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from config import tenancy
from config.api.exceptions import Forbidden
from partners.exceptions import LastOwner, SlugTaken
from partners.models import GOVERNORS, Membership, Organization, User
from partners.services.audit import Actor, audit_record


def organization_create(
    *, name: str, actor: Actor, slug: str = "", region: str = "IL", time_zone: str = "UTC"
) -> Organization:
    """Add a tenant. Raises SlugTaken (409)."""
    try:
        with tenancy.operator():
            organization = Organization.objects.create(
                name=name,
                slug=slug or slugify(name) or "organization",
                region=region,
                time_zone=time_zone,
            )
            audit_record(
                actor=actor,
                action="organization.created",
                target=organization,
                organization_id=organization.id,
                after={"name": name, "region": region, "time_zone": time_zone},
            )
    except IntegrityError as error:
        raise SlugTaken from error
    return organization


def user_create(*, email: str, full_name: str, actor: Actor) -> User:
    """Make an account nobody can sign in to before a password was set through a reset link.

    Raises django.db.IntegrityError when the address has an account.
    """
    with tenancy.operator():
        user = User.objects.create_user(email, full_name=full_name)
        audit_record(
            actor=actor,
            action="user.created",
            target=user,
            organization_id=None,
            after={"email": user.email, "full_name": full_name},
        )
    return user


@transaction.atomic
def member_add(*, organization: Organization, user: User, role: str, actor: Actor) -> Membership:
    """Give a user a role in an organization; a repetition changes the role.

    Raises Forbidden (403) for actors who are no owners, and LastOwner (409).
    """
    _owners_only(actor)
    with tenancy.operator():
        _lock(organization)
        before = Membership.objects.for_organization(organization.id).filter(user=user).first()
        if before:
            return _change_role(before, role, actor)
        membership = Membership.objects.create(organization=organization, user=user, role=role)
        audit_record(
            actor=actor,
            action="member.added",
            target=membership,
            organization_id=organization.id,
            after=_facts(membership),
        )
    return membership


@transaction.atomic
def member_change_role(
    *, organization: Organization, membership_id: UUID, role: str, actor: Actor
) -> Membership:
    """Change a member's role; the present one changes nothing.

    Raises Forbidden (403), Membership.DoesNotExist (404), and LastOwner (409) when nobody would own
    the organization.
    """
    _owners_only(actor)
    _lock(organization)
    return _change_role(_member(organization, membership_id), role, actor)


@transaction.atomic
def member_remove(*, organization: Organization, membership_id: UUID, actor: Actor) -> None:
    """Take a person's part in the organization; the account stays.

    Raises Forbidden (403), Membership.DoesNotExist (404), and LastOwner (409) when nobody would own
    the organization.
    """
    _owners_only(actor)
    _lock(organization)
    membership = _member(organization, membership_id)
    _refuse_last_owner(membership)
    audit_record(
        actor=actor,
        action="member.removed",
        target=membership,
        organization_id=organization.id,
        before=_facts(membership),
    )
    membership.delete()


@transaction.atomic
def organization_change_recordings(
    *, organization_id: UUID, days: int | None, unmasked: bool, actor: Actor
) -> Organization:
    """Say what is kept of calls. The clean-up of the next hour and the next analysis go by it.

    Recordings are erased after `days`: 0 as soon as they are analysed, None the hub's default. `unmasked`:
    personal data stays in transcripts. Raises Forbidden (403) for actors who do not govern.
    """
    if actor.role not in ("", *GOVERNORS):
        raise Forbidden("Owners and managers say what is kept of calls.", reason="missing_scope")
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    before = _kept(organization)
    organization.recording_retention_days, organization.transcripts_unmasked = days, unmasked
    if before == _kept(organization):
        return organization
    organization.save(update_fields=["recording_retention_days", "transcripts_unmasked", "updated_at"])
    audit_record(
        actor=actor,
        action="organization.recordings_changed",
        target=organization,
        organization_id=organization.id,
        before=before,
        after=_kept(organization),
    )
    return organization


@transaction.atomic
def organization_change_time_zone(*, organization_id: UUID, time_zone: str, actor: Actor) -> Organization:
    """Say whose days its calendars have. Raises Forbidden (403) for actors who do not govern."""
    if actor.role not in ("", *GOVERNORS):
        raise Forbidden("Owners and managers choose the time zone.", reason="missing_scope")
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    before = organization.time_zone
    if before != time_zone:
        organization.time_zone = time_zone
        organization.save(update_fields=["time_zone", "updated_at"])
        audit_record(
            actor=actor,
            action="organization.time_zone_changed",
            target=organization,
            organization_id=organization.id,
            before={"time_zone": before},
            after={"time_zone": time_zone},
        )
    return organization


def _kept(organization: Organization) -> dict[str, Any]:
    return {
        "recording_retention_days": organization.recording_retention_days,
        "transcripts_unmasked": organization.transcripts_unmasked,
    }


def _owners_only(actor: Actor) -> None:
    if actor.role not in ("", Membership.Role.OWNER):
        raise Forbidden("Only owners say who belongs to an organization.", reason="missing_scope")


def _change_role(membership: Membership, role: str, actor: Actor) -> Membership:
    before = _facts(membership)
    if membership.role == role:
        return membership
    _refuse_last_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    audit_record(
        actor=actor,
        action="member.role_changed",
        target=membership,
        organization_id=membership.organization_id,
        before=before,
        after=_facts(membership),
    )
    return membership


def _refuse_last_owner(membership: Membership) -> None:
    if membership.role != Membership.Role.OWNER:
        return
    owners = Membership.objects.for_organization(membership.organization_id).filter(
        role=Membership.Role.OWNER
    )
    if not owners.exclude(pk=membership.pk).exists():
        raise LastOwner


def _lock(organization: Organization) -> None:
    """One change of an organization's members at a time: two owners cannot remove each other."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def _member(organization: Organization, membership_id: UUID) -> Membership:
    return Membership.objects.for_organization(organization.id).select_related("user").get(id=membership_id)


def _facts(membership: Membership) -> dict[str, Any]:
    return {"user": membership.user.email, "role": str(membership.role)}
