"""Reads of OAuth applications and of what people have consented to."""

from typing import Any
from uuid import UUID

from django.db.models import Max, Q

from credentials.services.authority import grantable_scopes
from oauth.models import Application, Authorization
from partners.models import Membership, User
from partners.services.audit import Actor


def application_tenant(client_id: str) -> tuple[UUID, str] | None:
    """The organization and environment of the application with this OAuth client id; None for none.

    Needs the operator context.
    """
    try:
        found = Application.objects.filter(client_id=str(UUID(client_id)))
    except (ValueError, AttributeError, TypeError):
        return None
    return found.values_list("organization_id", "environment").first()


def person_role(user: User, organization_id: UUID) -> str:
    """A person's role in an organization, "" for none; super-admins are owners everywhere."""
    if not user.is_active:
        return ""
    if user.is_superuser:
        return Membership.Role.OWNER
    roles = Membership.objects.filter(user=user, organization_id=organization_id)
    return roles.values_list("role", flat=True).first() or ""


def person_scopes(user: User, organization_id: UUID) -> frozenset[str]:
    """The scopes that a person may consent to: those of the widest key they may hand out."""
    role = person_role(user, organization_id)
    return grantable_scopes(Actor(user.email, role=role)) if role else frozenset()


def authorizations_shown() -> Any:
    """The live authorizations of the open context, the latest first, with `last_token_at`."""
    rows = Authorization.objects.live().select_related(
        "application__api_client", "application__organization", "user"
    )
    return rows.annotate(
        last_token_at=Max("access_tokens__created_at"),
        last_refresh_at=Max("refresh_tokens__created_at"),
    ).order_by("-updated_at", "-id")


def authorizations_matching(search: str) -> Q:
    """Authorizations by the client's name or the person's address."""
    return Q(application__api_client__name__icontains=search) | Q(user__email__icontains=search)
