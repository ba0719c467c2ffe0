"""Jobs of any registered type, and looking at what became of them."""

import pytest

from config import tenancy
from jobs.models import Job, JobAttempt
from jobs.services.queueing import job_submit
from tests.factories import make_client


@pytest.fixture
def submit():
    """Submit a job of a type, of an organization of its own unless a client is given."""

    def submitted(job_type, client=None, **given):
        client = client or make_client()
        with tenancy.operator():
            return job_submit(
                organization_id=client.organization_id,
                environment="sandbox",
                client_id=client.id,
                job_type=job_type,
                **given,
            )

    return submitted


def fresh(job):
    with tenancy.operator():
        return Job.objects.get(id=job.id)


def attempts(job):
    with tenancy.operator():
        return list(JobAttempt.objects.filter(job_id=job.id).order_by("number"))
