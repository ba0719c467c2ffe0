"""A request's life: submitted, taken up by a worker or an operator, completed or failed; late or not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import JSONField, Value
from django.utils import timezone

from config import tenancy
from config.api.exceptions import ValidationFailed
from jobs.models import Job
from jobs.services.operations import job_cancel
from jobs.services.queueing import job_submit
from partner_requests.events import REQUEST_COMPLETED, REQUEST_FAILED, REQUEST_SLA_BREACHED
from partner_requests.exceptions import InvalidTransition
from partner_requests.models import PartnerRequest, Transition
from partner_requests.registry import REQUEST_TYPES
from partners.services.audit import Actor, audit_record
from webhooks.services import event_emit

JOB_TYPE = "partner_request"
Status = PartnerRequest.Status
# From where to where. A failed one is taken up again when its job is run again.
TRANSITIONS: dict[str, frozenset[str]] = {
    Status.SUBMITTED: frozenset({Status.PROCESSING, Status.COMPLETED, Status.FAILED}),
    Status.PROCESSING: frozenset({Status.COMPLETED, Status.FAILED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset({Status.PROCESSING}),
}
_SWEPT = 500
_NULL = Value(None, JSONField())


@transaction.atomic
def partner_request_submit(
    *, organization_id: UUID, environment: str, client_id: UUID, type: str, payload: Any, actor: Actor
) -> PartnerRequest:
    """Take in a request; a worker is woken if its type has a handler, else it waits for an operator.

    Raises ValidationFailed (400) for a payload that the type's serializer refuses; `details` are under
    `payload`.
    """
    kind = REQUEST_TYPES.get(type)
    if kind is not None:
        serializer = kind.payload(data=payload)
        if not serializer.is_valid():
            raise ValidationFailed(payload=serializer.errors)
    target = kind.target if kind else timedelta(seconds=settings.REQUEST_TARGET_S)
    made = PartnerRequest.objects.create(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        type=type,
        payload=_NULL if payload is None else payload,
        due_at=timezone.now() + target,
    )
    made.payload = payload
    _note(made, actor=actor)
    if kind is not None:
        job = job_submit(
            organization_id=organization_id,
            environment=environment,
            client_id=client_id,
            job_type=JOB_TYPE,
            params={"request_id": str(made.id)},
        )
        PartnerRequest.objects.filter(id=made.id).update(job_id=job.id)
        made.job_id = job.id
    return made


def partner_request_begin(*, request_id: UUID) -> PartnerRequest:
    """A worker takes a request up; in PROCESSING already (another attempt) it stays so.

    Raises InvalidTransition (409) when an operator settled it meanwhile.
    """
    with tenancy.operator():
        held = _locked(request_id)
        if held.status != Status.PROCESSING:
            _move(held, Status.PROCESSING, actor=WORKER)
    return held


def partner_request_settle(
    *,
    request_id: UUID,
    status: str,
    actor: Actor,
    result: Any = None,
    error: dict[str, str] | None = None,
    reason: str = "",
) -> PartnerRequest:
    """Complete or fail a request in the caller's transaction, and announce it.

    Raises PartnerRequest.DoesNotExist (404) and InvalidTransition (409).
    """
    with transaction.atomic():
        held = _locked(request_id)
        held.result, held.error = result, error
        _move(held, status, actor=actor, reason=reason)
        event_emit(
            REQUEST_FAILED if error else REQUEST_COMPLETED,
            subject=held,
            organization_id=held.organization_id,
            environment=held.environment,
            client_id=held.client_id,
        )
    return held


@transaction.atomic
def partner_request_decide(
    *, request_id: UUID, status: str, reason: str, actor: Actor, result: Any = None
) -> PartnerRequest:
    """An operator completes or fails a request by hand, with a reason; audited. A worker's try at it ends.

    Raises PartnerRequest.DoesNotExist (404), ValidationFailed (400) without a reason, and
    InvalidTransition (409).
    """
    if not reason.strip():
        raise ValidationFailed(reason=["Say why."])
    before = _locked(request_id)
    if before.job_id and Job.objects.filter(id=before.job_id).exists():
        job_cancel(job_id=before.job_id, actor=actor)
    error = {"code": "declined", "message": reason.strip()[:500]} if status == Status.FAILED else None
    settled = partner_request_settle(
        request_id=request_id,
        status=status,
        result=None if error else result,
        error=error,
        reason=reason.strip()[:500],
        actor=actor,
    )
    audit_record(
        actor=actor,
        action="partner_request.decided",
        target=settled,
        organization_id=settled.organization_id,
        before={"status": str(before.status)},
        after={"status": str(settled.status), "reason": reason.strip()[:500]},
    )
    return settled


def partner_requests_sweep() -> int:
    """Flag open requests whose target time has passed, and announce each once; answers how many."""
    flagged = 0
    while True:
        with tenancy.operator():
            now = timezone.now()
            late = list(
                PartnerRequest.objects.select_for_update(skip_locked=True, of=("self",))
                .newly_late(now=now)
                .order_by("due_at")[:_SWEPT]
            )
            for one in late:
                one.sla_breached_at = now
                one.save(update_fields=["sla_breached_at", "updated_at"])
                event_emit(
                    REQUEST_SLA_BREACHED,
                    subject=one,
                    organization_id=one.organization_id,
                    environment=one.environment,
                    client_id=one.client_id,
                )
        flagged += len(late)
        if len(late) < _SWEPT:
            return flagged


WORKER = Actor("worker")


def _locked(request_id: UUID) -> PartnerRequest:
    return PartnerRequest.objects.select_for_update(of=("self",)).get(id=request_id)


def _move(held: PartnerRequest, status: str, *, actor: Actor, reason: str = "") -> None:
    allowed = TRANSITIONS[held.status]
    if status not in allowed:
        message = f"The request is {held.status.lower()} and cannot become {status.lower()}."
        raise InvalidTransition(message, allowed=sorted(map(str, allowed)))
    held.status = status
    held.settled_at = timezone.now() if status in (Status.COMPLETED, Status.FAILED) else None
    if status == Status.PROCESSING:
        held.error = held.result = None
    held.save(update_fields=["status", "settled_at", "result", "error", "updated_at"])
    _note(held, actor=actor, reason=reason)


def _note(held: PartnerRequest, *, actor: Actor, reason: str = "") -> None:
    Transition.objects.create(
        organization_id=held.organization_id,
        environment=held.environment,
        partner_request=held,
        status=held.status,
        actor=actor.name,
        reason=reason,
    )
