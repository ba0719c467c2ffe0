"""Who calls: one credential, every way to present it (contract 0.1)."""

from collections.abc import Callable
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
    request_ask,
)
from credentials.models import AccessToken
from credentials.secrets import (
    OAUTH_TOKEN_PREFIX,
    TOKEN_PREFIX,
    credential_split,
    key_id_is_well_formed,
    secret_hash,
    secret_is_well_formed,
)
from credentials.sessions import session_user
from credentials.snapshots import Snapshot, snapshot_cached, snapshot_load, token_snapshot
from partners.models import User


class Presented(NamedTuple):
    """A credential as it stands on the request: a key id with its secret, or a token.

    A person's access token has no key id, and an OAuth token its kind.
    """

    key_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """A person behind an access token (governance endpoints)."""

    user: User

    scopes = frozenset[str]()


_TOKENS = (TOKEN_PREFIX, OAUTH_TOKEN_PREFIX)


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
    if bearer.startswith(_TOKENS):
        found.add(Presented("" if bearer.startswith(TOKEN_PREFIX) else OAUTH_TOKEN_PREFIX, bearer))
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
    `public_counter`), one that `admits_session` takes a dashboard session too. One that has a
    `request_authenticate` of its own knows its callers by that alone.

    Sets `request.credential` (Snapshot, TokenHolder or None), `request.limits` and `request.verdict`.
    One round trip to the store; no database query for a key this process has seen.
    Raises Unauthorized, Forbidden (ip_not_allowed), RateLimitExceeded or QuotaExceeded.
    """
    own = getattr(view, "request_authenticate", None)
    if own is not None:
        own(request, address=address)
        return
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
        try:
            snapshot = _verified_anew(presented)
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


def read_ahead(request: Any, *, address: str) -> Callable[[], bool] | None:
    """As request_authenticate, for a read that may run while the store decides, and be thrown away.

    Takes only what can be checked at once: a cached key that is live by its snapshot. None otherwise, and
    nothing has been counted: request_authenticate is to be called. Sets what that sets; what is answered
    here must be called after the read, once, and says whether the key is still current. False: throw the
    read away and begin anew. It raises RateLimitExceeded and QuotaExceeded.
    """
    try:
        presented = credential_read(request.META)
    except Unauthorized:
        return None
    snapshot = snapshot_cached(presented.key_id) if presented else None
    if presented is None or snapshot is None or snapshot.signing_mode != "none":
        return None
    if not (
        secret_is_well_formed(presented.secret)
        and snapshot.admits(presented.secret)
        and snapshot.admits_address(address)
    ):
        return None
    verdict_of = request_ask(subject=snapshot.key_id, limits=snapshot.limits, version=snapshot.version)
    if verdict_of is None:
        return None
    request.credential, request.limits = snapshot, snapshot.limits

    def is_current() -> bool:
        verdict = verdict_of()
        if verdict.outcome == STALE:
            request.credential = request.limits = None
            return False
        request.verdict = verdict
        if verdict.outcome != ADMITTED:
            raise refusal(verdict)
        return True

    return is_current


def _verified(presented: Presented) -> Snapshot:
    if presented.key_id == OAUTH_TOKEN_PREFIX:
        return _token_verified(presented.secret)
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


def _verified_anew(presented: Presented) -> Snapshot:
    """`_verified` by the row as it stands now, after the store has said that it changed."""
    if presented.key_id == OAUTH_TOKEN_PREFIX:
        return _token_verified(presented.secret, anew=True)
    snapshot_load(presented.key_id)
    return _verified(presented)


def _token_verified(token: str, *, anew: bool = False) -> Snapshot:
    snapshot = token_snapshot(token, anew=anew)
    if snapshot is None or not snapshot.is_live():
        raise Unauthorized("The access token is unknown, expired or revoked, or its client is suspended.")
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
