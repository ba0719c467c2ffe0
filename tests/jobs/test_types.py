"""What a job type declares: parameters, retries, a promise; and the history each job keeps."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework import serializers

from config import tenancy
from config.api.exceptions import ValidationFailed
from jobs.models import Job
from jobs.registry import JOB_TYPES, JobFailure, JobType, Retry
from jobs.services.claims import LEASE
from jobs.services.operations import job_rerun
from jobs.services.promises import breaches_sweep
from partners.models import AuditEntry
from tests.engine import job_claim, job_work
from tests.factories import ACTOR
from tests.jobs.conftest import attempts, fresh


class Parameters(serializers.Serializer):
    count = serializers.IntegerField(min_value=1)
    day = serializers.DateField()


@pytest.fixture
def kind(monkeypatch):
    """Register a type of the queue "tests" for one test."""

    def register(work, **declared):
        monkeypatch.setitem(JOB_TYPES, "tests.kind", JobType("tests.kind", "default", work, **declared))
        return "tests.kind"

    return register


def outcomes(job):
    return [attempt.outcome for attempt in attempts(job)]


def make_due(job):
    with tenancy.operator():
        Job.objects.filter(id=job.id).update(due_at=timezone.now())


def test_wrong_parameters_are_refused_where_they_are_given(kind, submit):
    name = kind(lambda job, reporter: None, params=Parameters)
    with pytest.raises(ValidationFailed) as refused:
        submit(name, params={"count": 0})
    assert (refused.value.status, refused.value.code) == (400, "VALIDATION_ERROR")
    assert set(refused.value.details) == {"count", "day", "retryable"}
    with tenancy.operator():
        assert not Job.objects.exists()


def test_a_run_gets_the_parameters_as_their_serializer_reads_them(kind, submit):
    name = kind(lambda job, reporter: {"year": job.params["day"].year}, params=Parameters)
    job = submit(name, params={"count": 1, "day": "2026-11-23"})
    job_work(queue="default")
    assert fresh(job).results == {"year": 2026}
    assert fresh(job).params == {"count": 1, "day": "2026-11-23"}


def test_parameters_a_newer_type_refuses_fail_the_job_at_once(kind, submit):
    job = submit(kind(lambda job, reporter: None), params={"count": 1})
    kind(lambda job, reporter: None, params=Parameters)
    job_work(queue="default")
    assert (fresh(job).status, fresh(job).error["code"]) == ("failed", "params_invalid")
    assert "day" in attempts(job)[0].error_message


def test_waits_grow_to_their_limit(kind):
    retry = Retry(delay_s=2, multiplier=3, jitter=0, max_delay_s=10)
    assert [retry.wait(number).total_seconds() for number in (1, 2, 3, 4)] == [2, 6, 10, 10]
    waits = {Retry(delay_s=100, jitter=0.5).wait(1).total_seconds() for _ in range(50)}
    assert len(waits) > 1
    assert min(waits) >= 50
    assert max(waits) <= 150


def test_every_attempt_is_kept_with_what_came_of_it(kind, submit):
    def work(job, reporter):
        if job.attempt_count == 1:
            raise LookupError("no such row")
        if job.attempt_count == 2:
            raise JobFailure("too_quiet", "Nobody speaks.")
        return {}

    job = submit(kind(work))
    job_work(queue="default")
    waiting = fresh(job)
    assert (waiting.status, waiting.error) == ("queued", None)
    assert waiting.due_at > timezone.now() + timedelta(seconds=5), "it is not repeated at once"
    make_due(job)
    job_work(queue="default")
    with tenancy.operator():
        job_rerun(job_id=job.id, actor=ACTOR)
    job_work(queue="default")
    first, second, third = attempts(job)
    assert (first.outcome, first.error_code) == ("error", "internal_error")
    assert first.error_message == "LookupError: no such row"
    assert (second.outcome, second.error_code) == ("failed", "too_quiet")
    assert (third.outcome, third.error_code, third.number) == ("completed", "", 3)
    assert all(a.started_at <= a.ended_at and a.worker and a.peak_memory_bytes for a in attempts(job))
    assert fresh(job).error is None


def test_an_attempt_whose_worker_died_says_so(kind, submit):
    job = submit(kind(lambda job, reporter: None))
    now = timezone.now()
    job_claim(queue="default", now=now)
    assert outcomes(job) == ["running"]
    job_claim(queue="default", now=now + 2 * LEASE)
    assert outcomes(job) == ["worker_lost", "running"]


def test_attempts_are_hidden_from_other_tenants(kind, submit):
    job, other = submit(kind(lambda job, reporter: None)), submit("tests.kind")
    job_work(queue="default")
    with tenancy.tenant(other.organization_id, "sandbox"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM jobs_jobattempt WHERE job_id = %s", [job.id])
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("results", [{"at": object()}, {"text": "a\x00b"}, float("nan")])
def test_results_that_cannot_be_kept_are_an_attempt_that_failed(kind, submit, results):
    job = submit(kind(lambda job, reporter: results, max_attempts=1))
    job_work(queue="default")
    assert (fresh(job).status, fresh(job).error["code"]) == ("failed", "internal_error")
    assert outcomes(job) == ["error"]


def test_a_late_job_is_flagged_once_and_its_type_told(kind, submit):
    told = []
    job = submit(kind(lambda job, reporter: None, sla_s=60, breached=lambda job: told.append(job.id)))
    assert breaches_sweep() == 0
    with tenancy.operator():
        Job.objects.filter(id=job.id).update(sla_due_at=timezone.now() - timedelta(seconds=1))
    assert (breaches_sweep(), breaches_sweep()) == (1, 0)
    flagged = fresh(job).sla_breached_at
    job_work(queue="default")
    assert fresh(job).sla_breached_at == flagged
    assert told == [job.id]


def test_a_job_that_ends_late_between_two_sweeps_is_flagged_as_well(kind, submit):
    told = []
    job = submit(kind(lambda job, reporter: None, sla_s=0, breached=lambda job: told.append(job.status)))
    job_work(queue="default")
    assert fresh(job).sla_breached_at is not None
    assert told == ["completed"]


def test_a_breach_and_what_its_type_does_commit_together(kind, submit):
    def refuse(job):
        AuditEntry.objects.create(action="x", actor="x")
        raise RuntimeError

    job = submit(kind(lambda job, reporter: None, sla_s=0, breached=refuse))
    other = submit(kind(lambda job, reporter: None, sla_s=0))
    kind(
        lambda job, reporter: None, sla_s=0, breached=lambda late: refuse(late) if late.id == job.id else None
    )
    assert breaches_sweep() == 1
    assert fresh(job).sla_breached_at is None
    assert fresh(other).sla_breached_at is not None
    with tenancy.operator():
        assert not AuditEntry.objects.filter(action="x").exists()
