"""Idempotency keys (contract 0.4): key, effect and stored answer commit in one PostgreSQL transaction."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from config import tenancy
from config.api.exceptions import Forbidden, ValidationFailed
from config.encryption import seal, unseal
from credentials.exceptions import (
    IdempotencyConflict,
    IdempotencyInProgress,
    IdempotencyKeyRequired,
)
from credentials.models import IdempotencyRecord, PersonIdempotencyRecord, StoredAnswer
from credentials.snapshots import Snapshot
from partners.models import Membership, User

KEPT = timedelta(hours=24)
_SPELLINGS = ("Idempotency-Key", "X-Idempotency-Key")
_HEADERS = ("Content-Type", "Location")
_PURPOSE = "idempotent-answer"


@dataclass(slots=True)
class Guard:
    """A held idempotency key: `record` is its answer to be, `replay` the earlier call's if there was one."""

    record: StoredAnswer
    replay: HttpResponse | None = None


def idempotency_begin(
    request: HttpRequest, *, credential: Snapshot, required: bool, secret: bool = False
) -> Guard | None:
    """Take the request's idempotency key for the open transaction; None when it carries none.

    A client's keys share their answers, but for `secret` ones: then another key's call conflicts.
    The lock ends with the transaction, also when its holder dies, so a failed call frees the key.
    Raises IdempotencyKeyRequired (400), ValidationFailed (400), IdempotencyInProgress (409) and
    IdempotencyConflict (409).
    """
    key = _key(request)
    if not key:
        if required:
            raise IdempotencyKeyRequired
        return None
    _hold(f"{credential.client_id}\n{key}")
    found = IdempotencyRecord.objects.filter(client_id=credential.client_id, key=key).first()
    record = IdempotencyRecord(
        organization_id=credential.organization_id,
        environment=credential.environment,
        client_id=credential.client_id,
        key=key,
        fingerprint=_fingerprint(request, of=str(credential.api_key_id) if secret else ""),
    )
    return _guard(record, found)


def idempotency_begin_for_person(request: HttpRequest, *, user: User) -> Guard | None:
    """`idempotency_begin` for a person, in every organization they govern.

    Raises Forbidden (403) instead of replaying to somebody who has lost a role since.
    """
    key = _key(request)
    if not key:
        return None
    _hold(f"user {user.pk}\n{key}")
    found = PersonIdempotencyRecord.objects.filter(user=user, key=key).first()
    roles = _roles(user)
    record = PersonIdempotencyRecord(user=user, key=key, fingerprint=_fingerprint(request), roles=roles)
    guard = _guard(record, found)
    if guard.replay and found and not found.roles.items() <= roles.items():
        raise Forbidden("Your roles have changed since the first call.", reason="missing_scope")
    return guard


def idempotency_store(guard: Guard, response: Any) -> None:
    """Keep a rendered success beside its effect, in the same transaction."""
    record = guard.record
    record.response_status = response.status_code
    record.response_headers = {name: response[name] for name in _HEADERS if name in response}
    record.response_sealed = seal(response.content, purpose=_PURPOSE)
    record.expires_at = timezone.now() + KEPT
    record.save(force_insert=True)


def idempotency_clean_up() -> int:
    """Delete the records whose 24 hours are over; answers how many. Needs the operator context."""
    over = {"expires_at__lte": timezone.now()}
    return sum(
        model.objects.filter(**over).delete()[0] for model in (IdempotencyRecord, PersonIdempotencyRecord)
    )


def _key(request: HttpRequest) -> str:
    """The request's idempotency key; "" when it carries none. Raises ValidationFailed (400)."""
    given = {request.headers[name] for name in _SPELLINGS if name in request.headers}
    if not given:
        return ""
    (key, *others) = given
    if others or not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        message = "Use one key of 1 to 255 printable ASCII characters."
        raise ValidationFailed.of({"Idempotency-Key": [message]})
    return key


def _hold(name: str) -> None:
    with connection.cursor() as cursor:
        lock = hashlib.sha256(name.encode()).digest()[:8]
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(lock, signed=True)])
        if not cursor.fetchone()[0]:
            error = IdempotencyInProgress(retryAfter=1)
            error.headers["Retry-After"] = "1"
            raise error


def _guard(record: StoredAnswer, found: StoredAnswer | None) -> Guard:
    if found is not None and found.expires_at <= timezone.now():
        found.delete()
        found = None
    if found is None:
        return Guard(record)
    if bytes(found.fingerprint) != record.fingerprint:
        raise IdempotencyConflict
    replay = HttpResponse(
        unseal(bytes(found.response_sealed), purpose=_PURPOSE),
        status=found.response_status,
        headers=found.response_headers,
    )
    replay["Idempotent-Replayed"] = "true"
    return Guard(record, replay)


def _roles(user: User) -> dict[str, str]:
    """What a person may, by organization; "hub" stands for all of them."""
    with tenancy.operator():
        roles = {str(m.organization_id): str(m.role) for m in Membership.objects.filter(user=user)}
    return roles | ({"hub": "super-admin"} if user.is_superuser else {})


def _fingerprint(request: HttpRequest, *, of: str = "") -> bytes:
    digest = hashlib.sha256(f"{of}{request.method}\n{request.get_full_path()}\n".encode())
    digest.update(request.body)
    return digest.digest()
