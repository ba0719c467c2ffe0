"""Recordings of calls: fetched, kept for a time, erased; and files that no call owns, swept."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config import tenancy
from config.outbound.errors import OutboundError
from config.outbound.sync import fetch
from jobs.audio_input import MAX_AUDIO_BYTES
from jobs.models import Call
from jobs.recordings import (
    recording_delete,
    recording_read,
    recording_save,
    recording_stored_at,
    recordings_stored,
)
from jobs.registry import JobFailure, JobTrouble
from partners.models import Organization
from partners.services.audit import Actor, audit_record

log = structlog.get_logger(__name__)

_FETCH_TIMEOUT_S = 120
_PASSING_CODES = ("timeout", "connection_failed", "dns_failed")
# A file so old belongs to no transaction that is still open.
_ORPHAN_AFTER = timedelta(days=1)
_BATCH = 500


def recording_of(call: Call) -> bytes:
    """A call's audio; what lies elsewhere is fetched and stored sealed first. Call it outside transactions.

    Raises JobFailure: recording_erased; audio_unavailable; audio_ with a code of the outbound client. What
    may pass (silence, 429, 5xx) raises JobTrouble with the same codes.
    """
    if call.recording_erased_at:
        raise _erased()
    if call.recording_name:
        try:
            return recording_read(call_id=call.id, name=call.recording_name)
        except FileNotFoundError as error:
            raise _erased() from error
    try:
        response = fetch(call.source_url, timeout_s=_FETCH_TIMEOUT_S, max_bytes=MAX_AUDIO_BYTES)
    except OutboundError as error:
        kind = JobTrouble if error.code in _PASSING_CODES else JobFailure
        raise kind(f"audio_{error.code}", f"The audio could not be fetched: {error.message}") from error
    if response.status != 200:
        message = f"The audio's address answered {response.status}."
        kind = JobTrouble if response.status == 429 or response.status >= 500 else JobFailure
        raise kind("audio_unavailable", message)
    _keep(call, response.body)
    return response.body


def _keep(call: Call, content: bytes) -> None:
    name = recording_save(call_id=call.id, content=content)
    kept = False
    try:
        with tenancy.tenant(call.organization_id, call.environment):
            row = Call.objects.select_for_update(of=("self",)).get(id=call.id)
            if row.recording_erased_at:
                raise _erased()
            if not row.recording_name:
                row.recording_name, row.recording_bytes = name, len(content)
                row.save(update_fields=["recording_name", "recording_bytes", "updated_at"])
                kept = True
    finally:
        # erased meanwhile, or another worker was first
        if not kept:
            recording_delete(name=name)


@transaction.atomic
def recording_erase(*, call_id: UUID, actor: Actor) -> Call:
    """Erase a call's recording now, and forget the address it came from; results stay.

    A job that waits for it fails as recording_erased; one that has read it goes on. A repetition changes
    nothing. Raises Call.DoesNotExist (404).
    """
    call = Call.objects.select_for_update(of=("self",)).get(id=call_id)
    if call.recording_erased_at:
        return call
    _erase(call)
    audit_record(
        actor=actor,
        action="call.recording_erased",
        target=call,
        organization_id=call.organization_id,
        before={"recording_bytes": call.recording_bytes},
        after={"recording_bytes": None},
    )
    return call


def recordings_expire(*, now: datetime) -> bool:
    """Erase recordings older than their organization keeps them, of calls with no job waiting or running.

    At most 500 at a time: answers whether there may be more. Each is a transaction of its own whose row
    others skip, so two at once share the work; one that cannot be erased is left for the next time.
    """
    with tenancy.operator():
        due = [call_id for row in Organization.objects.all() for call_id in _expired(row, now)][:_BATCH]
    erased = sum(_expire(call_id) for call_id in due)
    if erased:
        log.info("recordings_expired", count=erased)
    return erased == _BATCH


def orphans_sweep(*, now: datetime) -> int:
    """Delete sealed files whose call never came to be, or names another; answers how many.

    Only what is a day old, and what this hub's key opens: a bucket may have others' files.
    """
    swept = 0
    for stored in recordings_stored():
        for start in range(0, len(stored), _BATCH):
            swept += sum(_sweep(*orphan, now=now) for orphan in _unowned(stored[start : start + _BATCH]))
    if swept:
        log.info("orphan_recordings_swept", count=swept)
    return swept


def _expired(organization: Organization, now: datetime) -> list[UUID]:
    days = organization.recording_retention_days
    days = settings.RECORDING_RETENTION_DAYS if days is None else days
    calls = Call.objects.recorded().filter(
        organization=organization, created_at__lte=now - timedelta(days=days)
    )
    return list(calls.at_rest().order_by("created_at").values_list("id", flat=True)[:_BATCH])


def _expire(call_id: UUID) -> bool:
    try:
        with tenancy.operator():
            calls = Call.objects.select_for_update(of=("self",), skip_locked=True).recorded()
            call = calls.filter(id=call_id).first()
            if call is not None:
                _erase(call)
            return call is not None
    except Exception:  # a storage has errors of its own, and one file must not hold up the others
        log.exception("recording_not_erased", call_id=str(call_id))
        return False


def _erase(call: Call) -> None:
    # The file goes first: should the commit fail, the row names a file that is gone, and is erased again.
    if call.recording_name:
        recording_delete(name=call.recording_name)
    call.recording_name, call.source_url, call.recording_erased_at = "", "", timezone.now()
    call.save(update_fields=["recording_name", "source_url", "recording_erased_at", "updated_at"])


def _unowned(stored: list[tuple[UUID, str]]) -> list[tuple[UUID, str]]:
    with tenancy.operator():
        calls = Call.objects.filter(id__in=[call_id for call_id, _ in stored])
        owned = set(calls.values_list("recording_name", flat=True))
    return [(call_id, name) for call_id, name in stored if name not in owned]


def _sweep(call_id: UUID, name: str, *, now: datetime) -> bool:
    try:
        if recording_stored_at(name=name) > now - _ORPHAN_AFTER:
            return False
        recording_read(call_id=call_id, name=name)
    except FileNotFoundError:
        return False
    except ValueError:
        log.warning("foreign_recording_left", name=name)
        return False
    recording_delete(name=name)
    return True


def _erased() -> JobFailure:
    return JobFailure("recording_erased", "The recording was erased.")
