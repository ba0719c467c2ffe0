"""OAuth for API clients: turning it on and off, and a client's secrets; each act is audited."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from config.api.exceptions import ValidationFailed
from credentials.secrets import secret_hash, token_generate
from credentials.services.authority import authority_check
from credentials.services.key_terms import ip_allowlist_clean
from credentials.snapshots import changing_client
from oauth.exceptions import PeopleOnly, PublicApplication
from oauth.models import Application, ClientSecret
from oauth.services.tokens import authorization_tokens_end
from partners.models import GOVERNORS, ApiClient
from partners.services.audit import Actor, audit_record

SECRET_PREFIX = "ocs_"  # noqa: S105 (a prefix)


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A client's new secret, shown once, and when the one before it ends (None: there was none)."""

    application: Application
    record: ClientSecret
    secret: str
    old_ends_at: datetime | None


@transaction.atomic
def application_set(
    *,
    client_id: UUID,
    actor: Actor,
    client_type: str | None = None,
    ip_allowlist: Iterable[str] | None = None,
) -> Application:
    """Turn OAuth on for an API client, or change how it is used; what is not given stays as it is.

    A client that becomes public loses its secrets and the tokens of its own. Repeating changes nothing.
    Raises ApiClient.DoesNotExist (404), PeopleOnly and Forbidden (403), and ValidationFailed (400).
    """
    client = _client_locked(client_id, actor)
    application = Application.objects.filter(api_client=client).first()
    before = _facts(application) if application else {}
    if application is None:
        application = Application(
            organization_id=client.organization_id,
            environment=client.environment,
            api_client=client,
            client_id=str(client.id),
        )
    application.client_type = client_type or application.client_type
    if ip_allowlist is not None:
        try:
            application.ip_allowlist = ip_allowlist_clean(ip_allowlist)
        except ValueError as error:
            raise ValidationFailed(ipAllowlist=[str(error)]) from error
    after = _facts(application)
    if before == after:
        return application
    with changing_client(client):
        application.save()
        client.save(update_fields=["version"])
    if application.is_public:
        application.secrets.all().delete()
        for own in application.authorizations.live().filter(user=None):
            authorization_tokens_end(own)
    audit_record(
        actor=actor,
        action="oauth.changed" if before else "oauth.turned_on",
        target=client,
        organization_id=client.organization_id,
        before=before,
        after=after,
    )
    return application


@transaction.atomic
def application_delete(*, client_id: UUID, actor: Actor) -> None:
    """Turn OAuth off for a client: its secrets, authorizations and tokens are gone, in every process at once.

    Raises ApiClient.DoesNotExist and Application.DoesNotExist (404), PeopleOnly and Forbidden (403).
    """
    client = _client_locked(client_id, actor, widens=False)
    application = Application.objects.get(api_client=client)
    with changing_client(client):
        application.delete()
        client.save(update_fields=["version"])
    audit_record(
        actor=actor,
        action="oauth.turned_off",
        target=client,
        organization_id=client.organization_id,
        before=_facts(application),
    )


@transaction.atomic
def client_secret_rotate(*, client_id: UUID, actor: Actor, grace_s: int = 0) -> IssuedSecret:
    """Give a client a new secret, its first included; the old one works for `grace_s` more seconds (0: not).

    There are never more than two: one that was still in its grace ends now. Turns OAuth on where it was off.
    Raises ApiClient.DoesNotExist (404), PeopleOnly and Forbidden (403), and PublicApplication (409).
    """
    client = _client_locked(client_id, actor)
    application = Application.objects.filter(api_client=client).first()
    application = application or application_set(client_id=client_id, actor=actor)
    if application.is_public:
        raise PublicApplication
    now = timezone.now()
    ends_at = now + timedelta(seconds=grace_s)
    application.secrets.filter(expires_at__isnull=False).delete()
    old = application.secrets.update(expires_at=ends_at)
    secret = token_generate(SECRET_PREFIX)
    record = ClientSecret.objects.create(
        organization_id=client.organization_id,
        environment=client.environment,
        application=application,
        hash=secret_hash(secret),
        last_four=secret[-4:],
        created_by=actor.name,
    )
    audit_record(
        actor=actor,
        action="oauth.secret_rotated" if old else "oauth.secret_issued",
        target=client,
        organization_id=client.organization_id,
        after={"last_four": record.last_four, "old_secret_ends_at": ends_at.isoformat() if old else None},
    )
    return IssuedSecret(application, record, secret, ends_at if old else None)


@transaction.atomic
def client_secret_revoke(*, client_id: UUID, secret_id: UUID, actor: Actor) -> None:
    """End a client's secret at once.

    Raises ApiClient.DoesNotExist and ClientSecret.DoesNotExist (404), and PeopleOnly (403).
    """
    client = _client_locked(client_id, actor, widens=False)
    secret = ClientSecret.objects.get(id=secret_id, application__api_client=client)
    secret.delete()
    audit_record(
        actor=actor,
        action="oauth.secret_revoked",
        target=client,
        organization_id=client.organization_id,
        before={"last_four": secret.last_four},
    )


def _client_locked(client_id: UUID, actor: Actor, *, widens: bool = True) -> ApiClient:
    """The client, for a person who governs and, where the act `widens`, may hand out all of its scopes."""
    client = ApiClient.objects.select_for_update(of=("self",), no_key=True).get(id=client_id)
    if actor.role not in ("", *GOVERNORS):
        raise PeopleOnly
    if widens:
        authority_check(actor, client.scopes)
    return client


def _facts(application: Application) -> dict[str, object]:
    return {
        "client_type": str(application.client_type),
        "ip_allowlist": list(application.ip_allowlist),
    }
