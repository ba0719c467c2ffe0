"""Who calls: one credential, every way to present it (contract 0.1)."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from config.api.exceptions import Forbidden, Unauthorized
from credentials.limits import (
    ADMITTED,
    ANONYMOUS,
    STALE,
    Limits,
    Verdict,
    refusal,
    request_admit,
)
from credentials.models import AccessToken
from credentials.secrets import (
    TOKEN_PREFIX,
    credential_split,
    key_id_is_well_formed,
    secret_hash,
    secret_is_well_formed,
)
from credentials.sessions import session_user
from credentials.snapshots import Snapshot, snapshot_cached, snapshot_load
from partners.models import User


class Presented(NamedTuple):
    """A credential as it stands on the request: a key id with its secret, or an access token."""

    key_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """A person behind an access token (governance endpoints)."""

    user: User

    scopes = frozenset[str]()


def credential_read(meta: dict[str, Any]) -> Presented | None:
    """The one credential of a request; None when it has none.

    Raises Unauthorized for a malformed one, and for two different ones.
    """
    found: set[Presented] = set()
    for header in ("HTTP_X_PARTNER_API_KEY", "HTTP_X_API_KEY"):
        if value := meta.get(header):
            found.add(_key(value.strip()))
    secret = meta.get("HTTP_X_API_SECRET", "").strip()
    scheme, _, bearer = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    bearer = bearer.strip()
    if scheme and scheme.lower() != "bearer":
        raise Unauthorized("Use the Bearer scheme.")
    if bearer.startswith(TOKEN_PREFIX):
        found.add(Presented("", bearer))
    elif key_id_is_well_formed(bearer):
        if not secret:
            raise Unauthorized("The key id needs its secret in X-API-Secret.")
        found.add(Presented(bearer, secret))
        secret = ""
    elif scheme:
        found.add(_key(bearer))
    if secret:
        raise Unauthorized("X-API-Secret needs its key id in Authorization: Bearer.")
    if len(found) > 1:
        raise Unauthorized("The request carries two different credentials.")
    return found.pop() if found else None


def _key(text: str) -> Presented:
    pair = credential_split(text)
    if pair is None:
        raise Unauthorized("The credential is malformed.")
    return Presented(*pair)


def request_authenticate(request: Any, *, address: str, view: Any = None) -> None:
    """Find the request's credential, check it, and count the request against its limits.

    A view that `is_public` needs none (`public_limits` are an address's there, counted as its
    `public_counter`), one that `admits_session` takes a dashboard session too.

    Sets `request.credential` (Snapshot, TokenHolder or None), `request.limits` and `request.verdict`.
    One round trip to the store; no database query for a key this process has seen.
    Raises Unauthorized, Forbidden (ip_not_allowed), RateLimitExceeded or QuotaExceeded.
    """
    try:
        presented = credential_read(request.META)
        person = _person(request, presented, view)
        if person is not None:
            request.credential = TokenHolder(person)
            _count(request, subject=f"user:{person.pk}", limits=ANONYMOUS)
            return
        if presented is None:
            if getattr(view, "is_public", False):
                counter = getattr(view, "public_counter", "address")
                limits = getattr(view, "public_limits", ANONYMOUS)
                _count(request, subject=f"{counter}:{address}", limits=limits)
                return
            raise Unauthorized
        snapshot = _verified(presented)
    except Unauthorized:
        # a guess costs the guesser's address, never somebody's key
        _count(request, subject=f"address:{address}", limits=ANONYMOUS)
        raise
    verdict = request_admit(subject=snapshot.key_id, limits=snapshot.limits, version=snapshot.version)
    if verdict.outcome == STALE:
        snapshot_load(snapshot.key_id)
        try:
            snapshot = _verified(presented)
        except Unauthorized:
            _count(request, subject=f"address:{address}", limits=ANONYMOUS)
            raise
        verdict = request_admit(subject=snapshot.key_id, limits=snapshot.limits, version="")
    request.credential = snapshot
    request.limits, request.verdict = snapshot.limits, verdict
    if verdict.outcome != ADMITTED:
        raise refusal(verdict)
    if not snapshot.admits_address(address):
        raise Forbidden("This address is not on the key's allow-list.", reason="ip_not_allowed")


def _verified(presented: Presented) -> Snapshot:
    if not (key_id_is_well_formed(presented.key_id) and secret_is_well_formed(presented.secret)):
        raise Unauthorized("The credential is malformed.")
    snapshot = snapshot_cached(presented.key_id)
    if snapshot is not None and snapshot.admits(presented.secret):
        return snapshot
    # one read for an unknown key, a wrong secret and a cached row that is old: they take the same time
    snapshot = snapshot_load(presented.key_id)
    if snapshot is None or not snapshot.admits(presented.secret):
        raise Unauthorized("The credential is unknown, expired, suspended or revoked.")
    return snapshot


def _count(request: Any, *, subject: str, limits: Limits) -> Verdict:
    verdict = request_admit(subject=subject, limits=limits, version="")
    request.limits, request.verdict = limits, verdict
    if verdict.outcome != ADMITTED:
        raise refusal(verdict)
    return verdict


def _person(request: HttpRequest, presented: Presented | None, view: Any) -> User | None:
    """The person behind an access token, or behind a session where the view admits one."""
    if presented is None:
        return session_user(request) if getattr(view, "admits_session", False) else None
    return None if presented.key_id else _token_user(presented.secret)


def _token_user(token: str) -> User:
    found = (
        AccessToken.objects.select_related("user")
        .filter(hash=secret_hash(token), expires_at__gt=timezone.now(), user__is_active=True)
        .first()
    )
    if found is None:
        raise Unauthorized("The access token is unknown or expired.")
    return found.user


class CredentialAuthentication(BaseAuthentication):
    """Hands DRF what the governing middleware has found: `request.auth` is a Snapshot or a TokenHolder."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        credential = getattr(request._request, "credential", None)
        return None if credential is None else (getattr(credential, "user", None), credential)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Partner Hub"'
