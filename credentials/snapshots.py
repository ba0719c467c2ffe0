"""What a request needs to know of its key, cached in every process and never stale.

The store holds each key's current version. A cached snapshot counts only while the versions are equal,
which the limit script checks in the round trip that every request makes anyway. A change marks the
version as moving before it commits and publishes the new one after (`changing`), so a crash in between
leaves a mark that nobody's cache equals until the row has been read again.
"""

import hmac
import ipaddress
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from credentials.secrets import secret_hash
from credentials.store import store, store_failed, store_is_up
from credentials.usage import caller_columns

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
    """A key as its row stood at `version`."""

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
    tier = TIERS[key.tier]
    per_minute, burst = key.requests_per_minute, key.burst or 0
    if per_minute is None and any(scope.startswith(_CATALOGUE_SCOPES) for scope in key.scopes):
        per_minute, burst = CATALOGUE_PER_MINUTE, key.burst or CATALOGUE_BURST
    if per_minute is None:
        return Limits(tier.per_minute, tier.per_hour, key.daily_quota or tier.per_day, burst)
    # a key with its own pace is not held to its tier's hour
    return Limits(per_minute, 0, key.daily_quota or 0, burst)


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
    if snapshot is None:
        _cache.pop(key_id, None)
        return None
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    _cache[key_id] = snapshot
    if store_is_up():
        try:
            store.set(version_key(key_id), snapshot.version, nx=True, ex=_VERSION_S)
        except redis.RedisError as error:
            store_failed(error)
    return snapshot


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
    key.version += 1
    name = version_key(key.key_id)
    try:
        store.set(name, f"changing:{key.version}", ex=_CHANGING_S)
    except redis.RedisError as error:
        log.warning("change_not_announced", key_id=key.key_id, error=str(error))
        message = "The change cannot be told to every process now, so it was not made. Try again."
        raise ServiceUnavailable(message, retryAfter=1) from error
    yield
    transaction.on_commit(lambda: store.set(name, str(key.version), ex=_VERSION_S), robust=True)
