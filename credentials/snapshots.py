"""What a request needs to know of its key or its OAuth token, cached in every process and never stale.

The store holds each key's current version. A cached snapshot counts only while the versions are equal,
which the limit script checks in the round trip that every request makes anyway. A change marks the
version as moving before it commits and publishes the new one after (`changing`), so a crash in between
leaves a mark that nobody's cache equals until the row has been read again.

OAuth tokens of a client share the client's version and its counters, under `oauth_subject`. Where they are
kept stands in an app above this one, which registers how they are read (`token_reader`).
"""

import hmac
import ipaddress
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import redis
import structlog
from django.db import transaction

from config import tenancy
from config.api.exceptions import ServiceUnavailable
from config.encryption import unseal
from credentials.limits import (
    CATALOGUE_BURST,
    CATALOGUE_PER_MINUTE,
    TIERS,
    Limits,
    version_key,
)
from credentials.models import ApiKey
from credentials.secrets import OAUTH_TOKEN_PREFIX, secret_hash, token_is_well_formed
from credentials.store import store, store_failed, store_is_up
from credentials.usage import caller_columns
from partners.models import ApiClient

log = structlog.get_logger(__name__)

SIGNING_SECRET = "signing-secret"  # noqa: S105 (the purpose it is sealed for)
# The store forgets a mark after this; a commit takes far less.
_CHANGING_S = 30
_VERSION_S = 86_400
_CACHE_SIZE = 20_000
_CATALOGUE_SCOPES = ("offers:", "campaigns:", "links:")
_cache: dict[str, "Snapshot"] = {}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A key as its row stood at `version`, or an OAuth token as it and its client stood.

    Of a token, `key_id` is its client's `oauth_subject` and `api_key_id` the authorization it came of; it has
    no secrets beside itself.
    """

    api_key_id: UUID
    key_id: str
    name: str
    version: str
    organization_id: UUID
    environment: str
    client_id: UUID
    company_id: UUID | None
    active: bool
    expires_at: float | None
    scopes: frozenset[str]
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    secrets: tuple[tuple[bytes, float | None], ...]
    limits: Limits
    signing_mode: str
    signing_secret: bytes
    previous_signing_secret: bytes
    previous_signing_secret_ends_at: float
    offer_allowlist: frozenset[UUID]
    brand_allowlist: frozenset[UUID]
    organization_wide: bool
    # text that every request needs is made once a key
    organization: str
    log_columns: str

    def admits(self, secret: str) -> bool:
        """Whether the key is live and `secret` one of its live secrets; comparisons take constant time."""
        presented, now, found = secret_hash(secret), time.time(), False
        for stored, expires_at in self.secrets:
            live = expires_at is None or expires_at > now
            found |= hmac.compare_digest(presented, stored) and live
        return found and self.active and (self.expires_at is None or self.expires_at > now)

    def is_live(self) -> bool:
        """Whether the holder is neither suspended nor revoked nor expired."""
        return self.active and (self.expires_at is None or self.expires_at > time.time())

    def admits_address(self, address: str) -> bool:
        """Whether the allow-list (empty: any) holds the address; IPv4-mapped IPv6 counts as IPv4."""
        if not self.networks:
            return True
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(parsed in network for network in self.networks)


def key_limits(key: ApiKey) -> Limits:
    """The limits of a key: its own numbers, then those its scopes imply, then its tier's."""
    per_minute, burst = key.requests_per_minute, key.burst or 0
    if per_minute is None:
        return _tier_limits(key.tier, key.scopes, daily_quota=key.daily_quota or 0, burst=burst)
    # a key with its own pace is not held to its tier's hour
    return Limits(per_minute, 0, key.daily_quota or 0, burst)


def client_limits(client: ApiClient) -> Limits:
    """The limits that all OAuth tokens of a client share: those its scopes imply, or its tier's."""
    return _tier_limits(client.rate_limit_tier, client.scopes)


def _tier_limits(name: str, scopes: Iterable[str], *, daily_quota: int = 0, burst: int = 0) -> Limits:
    tier = TIERS[name]
    if any(scope.startswith(_CATALOGUE_SCOPES) for scope in scopes):
        return Limits(CATALOGUE_PER_MINUTE, 0, daily_quota, burst or CATALOGUE_BURST)
    return Limits(tier.per_minute, tier.per_hour, daily_quota or tier.per_day, burst)


def snapshot_cached(key_id: str) -> Snapshot | None:
    """The snapshot that this process holds, perhaps an old one; None when it holds none."""
    return _cache.get(key_id)


def snapshot_load(key_id: str) -> Snapshot | None:
    """Read the key's row and cache it, publishing its version if the store holds none."""
    with tenancy.operator():
        key = (
            ApiKey.objects.select_related("organization", "client")
            .prefetch_related("secrets")
            .filter(key_id=key_id)
            .first()
        )
        snapshot = None if key is None else _snapshot(key)
    return _kept(key_id, snapshot)


def _kept(name: str, snapshot: Snapshot | None) -> Snapshot | None:
    if snapshot is None:
        _cache.pop(name, None)
        return None
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    _cache[name] = snapshot
    if store_is_up():
        try:
            store.set(version_key(snapshot.key_id), snapshot.version, nx=True, ex=_VERSION_S)
        except redis.RedisError as error:
            store_failed(error)
    return snapshot


OAUTH_SUBJECT = "oauth_"


def oauth_subject(client_id: UUID) -> str:
    """What a client's OAuth tokens are counted, logged and told of changes under: `oauth_` and its id."""
    return f"{OAUTH_SUBJECT}{client_id.hex}"


# Reads a token by its keyed hash (hexadecimal), in the operator's context; None where there is none.
TokenReader = Callable[[str], Snapshot | None]
_token_readers: list[TokenReader] = []


def token_reader(read: TokenReader) -> TokenReader:
    """Register how OAuth tokens are read. Raises ValueError when that is known already."""
    if _token_readers:
        raise ValueError("OAuth tokens have a reader already.")
    _token_readers.append(read)
    return read


def token_digest(token: str) -> str:
    """The keyed hash that a token is stored and cached under, in hexadecimal."""
    return secret_hash(token).hex()


def token_snapshot(token: str, *, anew: bool = False) -> Snapshot | None:
    """The snapshot of an OAuth access token, from this process's cache unless `anew`; None for unknown ones.

    A live one is read once a process and change of its client; a malformed one is never looked up.
    """
    if not token_is_well_formed(token, OAUTH_TOKEN_PREFIX):
        return None
    digest = token_digest(token)
    if not anew and (found := _cache.get(digest)) is not None and found.is_live():
        return found
    with tenancy.operator():
        snapshot = _token_readers[0](digest) if _token_readers else None
    return _kept(digest, snapshot)


def token_snapshot_of(
    client: ApiClient,
    *,
    authorization_id: UUID,
    scopes: Iterable[str],
    expires_at: datetime,
    active: bool,
    ip_allowlist: Iterable[str] = (),
) -> Snapshot:
    """A token's snapshot: with scopes its client still holds, at its client's limits and in its tenant."""
    subject, organization = oauth_subject(client.id), str(client.organization_id)
    return Snapshot(
        api_key_id=authorization_id,
        key_id=subject,
        name=client.name,
        version=str(client.version),
        organization_id=client.organization_id,
        environment=client.environment,
        client_id=client.id,
        company_id=None,
        active=active and client.status == "ACTIVE" and client.organization.status == "active",
        expires_at=expires_at.timestamp(),
        scopes=frozenset(scopes) & frozenset(client.scopes),
        networks=tuple(ipaddress.ip_network(entry) for entry in ip_allowlist),
        secrets=(),
        limits=client_limits(client),
        signing_mode=ApiKey.SigningMode.NONE,
        signing_secret=b"",
        previous_signing_secret=b"",
        previous_signing_secret_ends_at=0.0,
        offer_allowlist=frozenset(),
        brand_allowlist=frozenset(),
        organization_wide=False,
        organization=organization,
        log_columns=caller_columns(
            organization=organization,
            environment=client.environment,
            client=str(client.id),
            api_key=str(authorization_id),
            key_id=subject,
        ),
    )


def _snapshot(key: ApiKey) -> Snapshot:
    return Snapshot(
        api_key_id=key.id,
        key_id=key.key_id,
        name=key.name,
        version=str(key.version),
        organization_id=key.organization_id,
        environment=key.environment,
        client_id=key.client_id,
        company_id=key.company_id,
        active=key.status == "active"
        and key.client.status == "ACTIVE"
        and key.organization.status == "active",
        expires_at=key.expires_at.timestamp() if key.expires_at else None,
        scopes=frozenset(key.scopes),
        networks=tuple(ipaddress.ip_network(entry) for entry in key.ip_allowlist),
        secrets=tuple(
            (bytes(secret.hash), secret.expires_at.timestamp() if secret.expires_at else None)
            for secret in key.secrets.all()
        ),
        limits=key_limits(key),
        signing_mode=key.signing_mode,
        signing_secret=signing_secret_of(key).encode(),
        previous_signing_secret=_previous_signing_secret_of(key),
        previous_signing_secret_ends_at=key.previous_signing_secret_ends_at.timestamp()
        if key.previous_signing_secret_ends_at
        else 0.0,
        offer_allowlist=frozenset(key.offer_allowlist),
        brand_allowlist=frozenset(key.brand_allowlist),
        organization_wide=key.organization_wide,
        organization=str(key.organization_id),
        log_columns=caller_columns(
            organization=str(key.organization_id),
            environment=key.environment,
            client=str(key.client_id),
            api_key=str(key.id),
            key_id=key.key_id,
        ),
    )


def signing_secret_of(key: ApiKey) -> str:
    """The secret that a key's requests are signed with; "" when it signs none."""
    if key.signing_mode == ApiKey.SigningMode.NONE:
        return ""
    return unseal(bytes(key.signing_secret_sealed), purpose=SIGNING_SECRET).decode()


def _previous_signing_secret_of(key: ApiKey) -> bytes:
    sealed = bytes(key.previous_signing_secret_sealed)
    return unseal(sealed, purpose=SIGNING_SECRET) if sealed else b""


@contextmanager
def changing(key: ApiKey) -> Iterator[None]:
    """Wrap a change of a key's row: bumps its version and tells every process, before and after.

    Call it inside the transaction with the row locked. The store must answer before the change is
    made: raises ServiceUnavailable (503) otherwise, since a revocation nobody hears of is none.
    """
    with _told(key, key.key_id):
        yield


@contextmanager
def changing_client(client: ApiClient) -> Iterator[None]:
    """`changing` for what a client's OAuth tokens may do; the caller saves the client's `version`."""
    with _told(client, oauth_subject(client.id)):
        yield


@contextmanager
def _told(row: ApiKey | ApiClient, subject: str) -> Iterator[None]:
    row.version += 1
    name, version = version_key(subject), row.version
    try:
        store.set(name, f"changing:{version}", ex=_CHANGING_S)
    except redis.RedisError as error:
        log.warning("change_not_announced", key_id=subject, error=str(error))
        message = "The change cannot be told to every process now, so it was not made. Try again."
        raise ServiceUnavailable(message, retryAfter=1) from error
    yield
    transaction.on_commit(lambda: store.set(name, str(version), ex=_VERSION_S), robust=True)
