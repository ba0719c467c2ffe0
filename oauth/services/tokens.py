"""Codes and tokens: issuing, rotating and ending them. They are stored as keyed hashes only."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from oauth2_provider.settings import oauth2_settings

from credentials.snapshots import changing_client, token_digest
from oauth.models import AccessToken, Application, Authorization, ClientSecret, Grant, RefreshToken
from partners.models import ApiClient, User
from partners.services.audit import Actor, audit_record

# How long a used code is remembered, so that its second use is noticed.
CODE_KEPT = timedelta(days=1)
_BATCH = 10_000


@transaction.atomic
def code_issue(
    *,
    code: str,
    application: Application,
    user: User,
    scopes: Iterable[str],
    redirect_uri: str,
    code_challenge: str,
) -> Grant:
    """Keep an authorization code for one minute. The person's live authorization must be there."""
    authorization = application.authorizations.live().get(user=user)
    return Grant.objects.create(
        organization_id=application.organization_id,
        environment=application.environment,
        application=application,
        authorization=authorization,
        user=user,
        code=token_digest(code),
        scope=" ".join(scopes),
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        code_challenge_method="S256",
        expires=timezone.now() + timedelta(seconds=oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS),
    )


@transaction.atomic
def access_token_issue(
    *,
    token: str,
    authorization: Authorization,
    scope: str,
    expires: datetime,
    family: UUID | None = None,
) -> AccessToken:
    """Keep an access token of an authorization."""
    return AccessToken.objects.create(
        organization_id=authorization.organization_id,
        environment=authorization.environment,
        application_id=authorization.application_id,
        authorization=authorization,
        user_id=authorization.user_id,
        token_checksum=token_digest(token),
        scope=scope,
        expires=expires,
        family=family,
    )


@transaction.atomic
def refresh_token_issue(
    *, token: str, authorization: Authorization, scope: str, family: UUID, rotated: RefreshToken | None = None
) -> RefreshToken:
    """Keep a refresh token, in the place of the locked one it `rotated`; access tokens live to their end."""
    now = timezone.now()
    # a client's own authorization has no refresh tokens
    assert authorization.user_id is not None
    if rotated is not None:
        rotated.rotated_at = now
        rotated.save(update_fields=["rotated_at", "updated_at"])
    return RefreshToken.objects.create(
        organization_id=authorization.organization_id,
        environment=authorization.environment,
        application_id=authorization.application_id,
        authorization=authorization,
        user_id=authorization.user_id,
        token_checksum=token_digest(token),
        scope=scope,
        family=family,
        expires=now + timedelta(seconds=oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS),
    )


@transaction.atomic
def token_revoke(*, token: str, application: Application) -> None:
    """End a token of the application with all of its family, in every process at once.

    Another application's token, and one that is unknown or over, changes nothing (RFC 7009, 2.2).
    Raises ServiceUnavailable (503).
    """
    digest = token_digest(token)
    mine = {"token_checksum": digest, "application": application}
    refresh = RefreshToken.objects.filter(**mine).first()
    access = None if refresh else AccessToken.objects.filter(**mine).first()
    family = refresh.family if refresh else access.family if access else None
    if family is not None:
        _end(application, family=family)
    elif access is not None:
        _end(application, pk=access.pk)


@transaction.atomic
def family_end(*, family: UUID, actor: Actor) -> None:
    """End all that came of one code, since a part of it came twice; audited.

    Raises Grant.DoesNotExist (404) and ServiceUnavailable (503).
    """
    grant = Grant.objects.select_related("application", "authorization").filter(id=family).first()
    refresh = RefreshToken.objects.select_related("application", "authorization").filter(family=family)
    holder = grant or refresh.first()
    if holder is None:
        raise Grant.DoesNotExist
    ended = _end(holder.application, family=family)
    if ended:
        audit_record(
            actor=actor,
            action="authorization.reuse_detected",
            target=holder.authorization,
            organization_id=holder.organization_id,
            after={"tokens_ended": ended},
        )


def authorization_tokens_end(authorization: Authorization) -> None:
    """Part of the caller's transaction: end every code and token of an authorization."""
    Grant.objects.filter(authorization=authorization, used_at=None).delete()
    _end(authorization.application, authorization=authorization)


def _end(application: Application, **which: object) -> int:
    """Delete access tokens and revoke refresh tokens, and tell every process. Answers how many were live."""
    client = ApiClient.objects.select_for_update(of=("self",), no_key=True).get(id=application.api_client_id)
    now = timezone.now()
    with changing_client(client):
        access, _each = AccessToken.objects.filter(**which).delete()
        refresh = 0
        if "pk" not in which:
            live = RefreshToken.objects.filter(**which, revoked=None)
            refresh = live.update(revoked=now, updated_at=now)
        client.save(update_fields=["version"])
    return access + refresh


def tokens_clean_up() -> int:
    """Delete what is over: codes, access tokens, refresh tokens, secrets. Needs the operator context.

    Rotated refresh tokens stay until they would have expired, and used codes a day: they tell of their theft.
    """
    now = timezone.now()
    over = (
        (Grant, {"expires__lte": now - CODE_KEPT}),
        (AccessToken, {"expires__lte": now}),
        (RefreshToken, {"expires__lte": now}),
        (ClientSecret, {"expires_at__lte": now}),
    )
    deleted = 0
    for model, terms in over:
        while batch := list(model.objects.filter(**terms).values_list("pk", flat=True)[:_BATCH]):
            deleted += model.objects.filter(pk__in=batch).delete()[0]
    return deleted
