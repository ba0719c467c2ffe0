"""Idempotency keys (contract 0.4): key, effect and stored answer commit in one PostgreSQL transaction."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from config.api.exceptions import ValidationFailed
from credentials.exceptions import (
    IdempotencyConflict,
    IdempotencyInProgress,
    IdempotencyKeyRequired,
)
from credentials.models import IdempotencyRecord
from credentials.snapshots import Snapshot

KEPT = timedelta(hours=24)
_HEADERS = ("Content-Type", "Location")


@dataclass(slots=True)
class Guard:
    """A held idempotency key: `replay` is the stored answer of an earlier call, if there is one."""

    credential: Snapshot
    key: str
    fingerprint: bytes
    replay: HttpResponse | None = None


def idempotency_begin(request: HttpRequest, *, credential: Snapshot, required: bool) -> Guard | None:
    """Take the request's idempotency key for the open transaction; None when it carries none.

    The lock ends with the transaction, also when its holder dies, so a failed call frees the key.
    Raises IdempotencyKeyRequired (400), ValidationFailed (400), IdempotencyInProgress (409) and
    IdempotencyConflict (409).
    """
    key = request.headers.get("Idempotency-Key") or request.headers.get("X-Idempotency-Key") or ""
    if not key:
        if required:
            raise IdempotencyKeyRequired
        return None
    if len(key) > 255 or not key.isascii() or not key.isprintable():
        raise ValidationFailed.of({"Idempotency-Key": ["Use 1 to 255 printable ASCII characters."]})
    guard = Guard(credential, key, _fingerprint(request))
    with connection.cursor() as cursor:
        lock = hashlib.sha256(f"{credential.client_id}\n{key}".encode()).digest()[:8]
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(lock, signed=True)])
        if not cursor.fetchone()[0]:
            error = IdempotencyInProgress(retryAfter=1)
            error.headers["Retry-After"] = "1"
            raise error
    record = IdempotencyRecord.objects.filter(client_id=credential.client_id, key=key).first()
    if record is not None and record.expires_at <= timezone.now():
        record.delete()
        record = None
    if record is not None:
        if bytes(record.fingerprint) != guard.fingerprint:
            raise IdempotencyConflict
        guard.replay = HttpResponse(
            bytes(record.response_body),
            status=record.response_status,
            headers=record.response_headers,
        )
        guard.replay["Idempotent-Replayed"] = "true"
    return guard


def idempotency_store(guard: Guard, response: Any) -> None:
    """Keep a rendered success beside its effect, in the same transaction."""
    IdempotencyRecord.objects.create(
        organization_id=guard.credential.organization_id,
        environment=guard.credential.environment,
        client_id=guard.credential.client_id,
        key=guard.key,
        fingerprint=guard.fingerprint,
        response_status=response.status_code,
        response_headers={name: response[name] for name in _HEADERS if name in response},
        response_body=response.content,
        expires_at=timezone.now() + KEPT,
    )


def idempotency_clean_up() -> int:
    """Delete the records whose 24 hours are over; answers how many. Needs the operator context."""
    return IdempotencyRecord.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _fingerprint(request: HttpRequest) -> bytes:
    digest = hashlib.sha256(f"{request.method}\n{request.get_full_path()}\n".encode())
    digest.update(request.body)
    return digest.digest()
