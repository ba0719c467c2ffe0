"""Taking in recorded calls for analysis (contract B)."""

import math
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from config import tenancy
from config.api.exceptions import Forbidden, NotFound
from jobs.audio_input import AudioInput
from jobs.models import Call, Job
from jobs.recordings import recording_delete, recording_save
from jobs.services.queueing import job_submit
from partners.models import Agent, Company
from partners.selectors import client_webhook_url

CALL_ANALYSIS = "call_analysis"
# Until something was measured here: 0.25 s of work for a second of audio at 16 kB (docs/analysis.md).
_WORK_PER_BYTE_S = 0.25 / 16_000
# Four minutes of that.
_USUAL_BYTES = 4 * 60 * 16_000


def call_submit(
    *,
    organization_id: UUID,
    environment: str,
    client_id: UUID | None,
    bound_company_id: UUID | None,
    company_id: UUID,
    agent_id: UUID | None,
    call_type: str,
    audio: AudioInput,
    webhook_url: str,
) -> Job:
    """Store a call's recording and queue its analysis; without a `webhook_url` its client's is called back.

    Raises Forbidden (403, company_not_allowed) for a key bound to another company, and NotFound (404)
    for a company or agent the tenant does not have.
    """
    if bound_company_id is not None and bound_company_id != company_id:
        raise Forbidden("The key is bound to another company.", reason="company_not_allowed")
    companies = Company.objects.for_organization(organization_id, environment)
    if not companies.filter(id=company_id).exists():
        raise NotFound("There is no such company.")
    agents = Agent.objects.for_organization(organization_id, environment)
    if agent_id is not None and not agents.filter(id=agent_id, company_id=company_id).exists():
        raise NotFound("The company has no such agent.")
    call = Call(
        organization_id=organization_id,
        environment=environment,
        client_id=client_id,
        company_id=company_id,
        agent_id=agent_id,
        call_type=call_type,
        source_url=audio.url,
    )
    if audio.content:
        call.recording_name = recording_save(call_id=call.id, content=audio.content)
        call.recording_bytes = len(audio.content)
    try:
        with transaction.atomic():
            call.save(force_insert=True)
            return job_submit(
                organization_id=organization_id,
                environment=environment,
                client_id=client_id,
                job_type=CALL_ANALYSIS,
                call=call,
                webhook_url=webhook_url or (client_webhook_url(client_id) if client_id else ""),
            )
    except BaseException:
        if call.recording_name:
            recording_delete(name=call.recording_name)
        raise


def estimated_time() -> str:
    """How long until a call sent in now is analysed: audio in the queue, at the speed measured lately.

    A recording that is still to be fetched counts like one of those measured. Reads across tenants, so it
    says a range of minutes and nothing more.
    """
    with tenancy.operator():
        waiting = Job.objects.filter(
            job_type=CALL_ANALYSIS, status__in=(Job.Status.QUEUED, Job.Status.PROCESSING)
        )
        queued = waiting.aggregate(
            size=Sum("call__recording_bytes"), unknown=Count("id", filter=~Q(call__recording_bytes__gt=0))
        )
        lately = (
            Job.objects.filter(
                job_type=CALL_ANALYSIS,
                status=Job.Status.COMPLETED,
                completed_at__gte=timezone.now() - timedelta(days=1),
                call__recording_bytes__gt=0,
            )
            .order_by("-completed_at")
            .values_list("started_at", "completed_at", "call__recording_bytes")[:20]
        )
        measured = list(lately)
    worked = sum((end - start).total_seconds() for start, end, _ in measured if start and end)
    heard = sum(size or 0 for _, _, size in measured)
    usual = heard / len(measured) if heard else _USUAL_BYTES
    speed = worked / heard if heard else _WORK_PER_BYTE_S
    seconds = ((queued["size"] or 0) + queued["unknown"] * usual) * speed
    minutes = max(1, math.ceil(seconds / 60))
    return f"{minutes}-{minutes + max(1, minutes // 2)} minutes"
