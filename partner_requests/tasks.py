"""What workers do with partner requests: the job type that runs them, and the sweep for late ones."""

from typing import Any
from uuid import UUID

from celery import shared_task

from config import tenancy
from jobs.models import Job
from jobs.registry import JobFailure, Reporter, job_type
from partner_requests import onboarding as _onboarding  # registers its request type
from partner_requests.exceptions import InvalidTransition
from partner_requests.registry import REQUEST_TYPES, RequestRefused
from partner_requests.services.lifecycle import (
    JOB_TYPE,
    WORKER,
    Status,
    partner_request_begin,
    partner_request_settle,
    partner_requests_sweep,
)

__all__ = ["_onboarding"]


def settled(job: Job) -> None:
    """A job that failed for good fails its request, in the job's transaction."""
    if job.error is not None:
        partner_request_settle(
            request_id=UUID(job.params["request_id"]), status=Status.FAILED, error=job.error, actor=WORKER
        )


@job_type(JOB_TYPE, settled=settled)
def run(job: Job, reporter: Reporter) -> Any:
    """Run the handler of a request's type; its effect commits with the request's completion."""
    request_id = UUID(job.params["request_id"])
    try:
        return _handle(request_id)
    except InvalidTransition:
        return {"settled": "before"}  # by an operator, or by an attempt that died afterwards


def _handle(request_id: UUID) -> Any:
    request = partner_request_begin(request_id=request_id)
    kind = REQUEST_TYPES[request.type]
    serializer = kind.payload(data=request.payload)
    if not serializer.is_valid():
        raise JobFailure("invalid_payload", "The payload is not what this type takes any more.")
    with tenancy.tenant(request.organization_id, request.environment):
        try:
            result = kind.handle(request, serializer.validated_data)
        except RequestRefused as refused:
            raise JobFailure(refused.code, refused.message) from refused
        partner_request_settle(request_id=request_id, status=Status.COMPLETED, result=result, actor=WORKER)
    return result


@shared_task(name="partner_requests.sweep")
def sweep() -> None:
    """Flag requests that are late. Two at once do no harm."""
    partner_requests_sweep()
