"""Who belongs to an organization, with what that means for the OAuth tokens that people have consented to."""

from contextlib import ExitStack
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from credentials.snapshots import changing_client
from partners.models import ApiClient, Membership, Organization
from partners.services import organizations


@transaction.atomic
def member_add(*, organization: Organization, **given: Any) -> Membership:
    """`partners.services.organizations.member_add`; tokens go by the role from then on."""
    membership = organizations.member_add(organization=organization, **given)
    _tokens_ask_again(organization.id)
    return membership


@transaction.atomic
def member_change_role(*, organization: Organization, **given: Any) -> Membership:
    """`partners.services.organizations.member_change_role`; tokens go by the role from then on."""
    membership = organizations.member_change_role(organization=organization, **given)
    _tokens_ask_again(organization.id)
    return membership


@transaction.atomic
def member_remove(*, organization: Organization, **given: Any) -> None:
    """`partners.services.organizations.member_remove`; tokens the person consented to end at once."""
    organizations.member_remove(organization=organization, **given)
    _tokens_ask_again(organization.id)


def _tokens_ask_again(organization_id: UUID) -> None:
    """Have every process read the tokens of its clients again. Raises ServiceUnavailable (503)."""
    clients = ApiClient.objects.for_organization(organization_id)
    with ExitStack() as told:
        for client in clients.select_for_update(of=("self",), no_key=True).order_by("id"):
            told.enter_context(changing_client(client))
        clients.update(version=F("version") + 1)
