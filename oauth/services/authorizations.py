"""What people let applications do: consenting and taking it back; each act is audited."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config.api.exceptions import Forbidden
from credentials.services.authority import authority_check, grantable_scopes
from oauth.models import Application, Authorization
from oauth.services.tokens import authorization_tokens_end
from partners.models import User
from partners.services.audit import Actor, audit_record


@transaction.atomic
def authorization_give(
    *, application: Application, user: User, scopes: Iterable[str], actor: Actor
) -> Authorization:
    """Remember that a person lets the application act with `scopes`, beside those they consented to before.

    Repeating changes nothing. Raises Forbidden (403) for scopes that the person's role may not hand out.
    """
    wanted = set(scopes)
    authority_check(actor, wanted)
    # one consent at a time, so that two cannot make two rows
    Application.objects.select_for_update(of=("self",), no_key=True).get(pk=application.pk)
    found = application.authorizations.live().filter(user=user).first()
    before = list(found.scopes) if found else []
    if found and wanted <= set(before):
        return found
    authorization = found or Authorization(
        organization_id=application.organization_id,
        environment=application.environment,
        application=application,
        user=user,
    )
    authorization.scopes = sorted(wanted | set(before))
    authorization.save()
    audit_record(
        actor=actor,
        action="authorization.given",
        target=authorization,
        organization_id=application.organization_id,
        before={"scopes": before},
        after={"scopes": authorization.scopes},
    )
    return authorization


@transaction.atomic
def authorization_refuse(*, application: Application, scopes: Iterable[str], actor: Actor) -> None:
    """Note that a person refused the application these scopes."""
    audit_record(
        actor=actor,
        action="authorization.refused",
        target=application,
        organization_id=application.organization_id,
        after={"scopes": sorted(scopes)},
    )


@transaction.atomic
def authorization_of_itself(*, application: Application) -> Authorization:
    """The application's own authorization, for its client credentials; made with its first token."""
    own = application.authorizations.live().filter(user=None)
    if found := own.first():
        return found
    Application.objects.select_for_update(of=("self",), no_key=True).get(pk=application.pk)
    return own.first() or Authorization.objects.create(
        organization_id=application.organization_id,
        environment=application.environment,
        application=application,
        scopes=application.api_client.scopes,
    )


@transaction.atomic
def authorization_revoke(*, authorization_id: UUID, actor: Actor, user: User | None = None) -> Authorization:
    """End an authorization with all its tokens, in every process at once; the person may consent anew.

    `user`: people revoke their own, whatever their role. Others must govern the organization. A repetition
    changes nothing. Raises Authorization.DoesNotExist (404), Forbidden (403) and ServiceUnavailable (503).
    """
    authorization = (
        Authorization.objects.select_for_update(of=("self",))
        .select_related("application__api_client")
        .get(id=authorization_id)
    )
    own = user is not None and authorization.user_id == user.id
    if not own and not grantable_scopes(actor):
        raise Forbidden("Your role does not allow this.", reason="missing_scope")
    if authorization.revoked_at is not None:
        return authorization
    authorization_tokens_end(authorization)
    authorization.revoked_at, authorization.revoked_by = timezone.now(), actor.name
    authorization.save(update_fields=["revoked_at", "revoked_by", "updated_at"])
    audit_record(
        actor=actor,
        action="authorization.revoked",
        target=authorization,
        organization_id=authorization.organization_id,
        before={"scopes": authorization.scopes},
    )
    return authorization
