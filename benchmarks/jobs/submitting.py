"""Run in a process of the hub (benchmarks/remote.py): submits what benchmarks/jobs/types.py has."""

import secrets
from uuid import UUID

import django

django.setup()

from benchmarks.jobs.names import EMPTY  # noqa: E402 (needs the app registry)
from benchmarks.jobs.plain import messages_wait  # noqa: E402
from benchmarks.jobs.types import empty_task  # noqa: E402
from benchmarks.tenant import ACTOR  # noqa: E402
from config import tenancy  # noqa: E402
from config.celery import app  # noqa: E402
from config.tenancy import Environment  # noqa: E402
from jobs.models import Job  # noqa: E402
from jobs.services.queueing import job_submit  # noqa: E402
from partners.services.organizations import organization_create  # noqa: E402
from webhooks.models import Event  # noqa: E402


def tenant_create(name: str) -> str:
    """An organization; answers its id."""
    return str(organization_create(name=name, slug=secrets.token_hex(6), actor=ACTOR).id)


def submit(organization_id: str, count: int, job_type: str = EMPTY) -> list[str]:
    """Submit so many jobs, each in a transaction of its own as a request would; answers their ids."""
    ids = []
    for _ in range(count):
        with tenancy.tenant(organization_id, Environment.SANDBOX):
            job = job_submit(
                organization_id=UUID(organization_id),
                environment=Environment.SANDBOX,
                client_id=None,
                job_type=job_type,
            )
        ids.append(str(job.id))
    return ids


def submit_tasks(count: int) -> None:
    """Send so many empty tasks."""
    for _ in range(count):
        empty_task.delay()


def unsettled() -> bool:
    """Whether a job is queued or runs."""
    with tenancy.operator():
        return Job.objects.filter(status__in=(Job.Status.QUEUED, Job.Status.PROCESSING)).exists()


def busy() -> bool:
    """Whether something is left of what jobs caused: messages, events to fan out."""
    with tenancy.operator():
        events = Event.objects.filter(dispatched_at=None).exists()
    return events or messages_wait(app, "default")
