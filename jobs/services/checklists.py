"""An organization's own checklists, and calls judged by them again."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from config.api.exceptions import Conflict
from jobs.models import Call, Checklist, Job
from jobs.services.queueing import job_submit
from partners.services.audit import Actor, audit_record

CALL_REANALYSIS = "call_reanalysis"


class CallTypeTaken(Conflict):
    """409: the organization has a checklist for this call type."""

    message = "There is a checklist for this call type already."


@transaction.atomic
def checklist_create(
    *,
    organization_id: UUID,
    environment: str,
    call_type: str,
    items: list[dict[str, Any]],
    weights: dict[str, float],
    actor: Actor,
) -> Checklist:
    """Give a call type a checklist; what is judged from now on is judged by it.

    `items` are `{"item", "examples"}`, `weights` fractions by component. Raises CallTypeTaken (409).
    """
    try:
        with transaction.atomic():
            made = Checklist.objects.create(
                organization_id=organization_id,
                environment=environment,
                call_type=call_type,
                items=items,
                weights=weights,
            )
    except IntegrityError as error:
        raise CallTypeTaken from error
    _audit(made, actor, "checklist.create", {})
    return made


@transaction.atomic
def checklist_update(
    *, checklist_id: UUID, items: list[dict[str, Any]], weights: dict[str, float], actor: Actor
) -> Checklist:
    """Change a checklist, as its next version. Raises Checklist.DoesNotExist (404)."""
    checklist = Checklist.objects.select_for_update(of=("self",)).get(id=checklist_id)
    before = _terms(checklist)
    if (checklist.items, checklist.weights) != (items, weights):
        checklist.items, checklist.weights = items, weights
        checklist.version += 1
        checklist.save(update_fields=["items", "weights", "version", "updated_at"])
        _audit(checklist, actor, "checklist.update", before)
    return checklist


@transaction.atomic
def checklist_delete(*, checklist_id: UUID, actor: Actor) -> None:
    """Go back to the standard checklist of the type. Raises Checklist.DoesNotExist (404)."""
    checklist = Checklist.objects.select_for_update(of=("self",)).get(id=checklist_id)
    audit_record(
        actor=actor,
        action="checklist.delete",
        target=checklist,
        organization_id=checklist.organization_id,
        before=_terms(checklist),
    )
    checklist.delete()


@transaction.atomic
def call_reanalyse(*, call: Call, actor: Actor) -> Job | None:
    """Judge a call by its type's present checklist, without transcribing again; a job of its own.

    None when there is no completed analysis to go on from. The earlier results stay.
    """
    source = call.jobs.filter(status=Job.Status.COMPLETED).order_by("-created_at", "-id").first()
    if source is None:
        return None
    job = job_submit(
        organization_id=call.organization_id,
        environment=call.environment,
        client_id=call.client_id,
        job_type=CALL_REANALYSIS,
        call=call,
        params={"source_job_id": str(source.id)},
    )
    audit_record(actor=actor, action="call.reanalyse", target=call, organization_id=call.organization_id)
    return job


def _terms(checklist: Checklist) -> dict[str, Any]:
    return {"version": checklist.version, "items": checklist.items, "weights": checklist.weights}


def _audit(checklist: Checklist, actor: Actor, action: str, before: dict[str, Any]) -> None:
    audit_record(
        actor=actor,
        action=action,
        target=checklist,
        organization_id=checklist.organization_id,
        before=before,
        after=_terms(checklist),
    )
