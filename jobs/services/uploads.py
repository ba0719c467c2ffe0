"""Calls that people send in by hand, from the dashboard."""

from uuid import UUID

from django.db import transaction

from jobs.audio_input import AudioInput
from jobs.models import Job
from jobs.services.calls import call_submit
from partners.models import Company
from partners.services.audit import Actor, audit_record


@transaction.atomic
def call_upload(
    *, company: Company, agent_id: UUID | None, call_type: str, content: bytes, actor: Actor
) -> Job:
    """Queue the analysis of a recording of `company`; audited. Raises NotFound (404) for another's agent."""
    job = call_submit(
        organization_id=company.organization_id,
        environment=company.environment,
        client_id=None,
        bound_company_id=None,
        company_id=company.id,
        agent_id=agent_id,
        call_type=call_type,
        audio=AudioInput(content=content),
        webhook_url="",
    )
    audit_record(
        actor=actor,
        action="call.uploaded",
        target=job.call,
        organization_id=company.organization_id,
        after={"company": company.name, "environment": company.environment, "recording_bytes": len(content)},
    )
    return job
