"""The job engine: the row is the job."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config import tenancy
from jobs.models import Job
from jobs.registry import JOB_TYPES, JobFailure, JobType, Retry
from jobs.services.claims import LEASE
from jobs.services.operations import job_cancel, job_rerun
from jobs.services.queueing import job_submit, jobs_sweep
from jobs.services.settling import job_settle
from partners.models import AuditEntry
from tests.engine import job_claim, job_work
from tests.factories import ACTOR, make_client
from webhooks.models import Delivery, Event


@pytest.fixture
def job_of(monkeypatch):
    """Submit a job whose work is the given function."""

    def submit(work, kind=None, **given):
        client = make_client()
        kind = {"max_attempts": 2, "retry": Retry(delay_s=0)} | (kind or {})
        monkeypatch.setitem(JOB_TYPES, "tests.work", JobType("tests.work", "tests", work, **kind))
        with tenancy.operator():
            return job_submit(
                organization_id=client.organization_id,
                environment="sandbox",
                client_id=client.id,
                job_type="tests.work",
                **given,
            )

    return submit


def fresh(job):
    with tenancy.operator():
        return Job.objects.get(id=job.id)


def events(job):
    with tenancy.operator():
        return list(Event.objects.filter(organization_id=job.organization_id).values_list("type", flat=True))


def test_a_job_runs_once_is_announced_and_calls_back(job_of):
    job = job_of(lambda job, reporter: {"answer": 42}, webhook_url="https://partner.example/hook")
    assert job_work(queue="tests") is True
    assert job_work(queue="tests") is False
    done = fresh(job)
    assert (done.status, done.progress, done.results) == ("completed", 100, {"answer": 42})
    assert done.started_at <= done.completed_at
    assert events(job) == ["job.completed"]
    with tenancy.operator():
        (delivery,) = Delivery.objects.filter(async_job_id=job.id)
    assert delivery.webhook_id == str(job.id)


def test_no_transaction_is_open_while_a_job_works(job_of):
    seen = []
    job_of(lambda job, reporter: seen.append(connection.in_atomic_block))
    job_work(queue="tests")
    assert seen == [False]


def test_progress_moves_forward_only_and_stays_below_100_until_settled(job_of):
    seen = []

    def work(job, reporter):
        for percent in (10, 50, 20, 100):
            reporter.progress("stage", percent)
            seen.append(fresh(job).progress)

    job_of(work)
    job_work(queue="tests")
    assert seen == [10, 50, 50, 99]


def test_a_refusal_fails_the_job_with_its_code(job_of):
    def work(job, reporter):
        raise JobFailure("too_quiet", "Nobody speaks.")

    job = job_of(work)
    job_work(queue="tests")
    failed = fresh(job)
    assert (failed.status, failed.error) == (
        "failed",
        {"code": "too_quiet", "message": "Nobody speaks."},
    )
    assert events(job) == ["job.failed"]


def test_a_crash_is_tried_again_then_fails(job_of):
    job = job_of(lambda job, reporter: 1 / 0)
    job_work(queue="tests")
    assert (fresh(job).status, fresh(job).attempt_count) == ("queued", 1)
    job_work(queue="tests")
    failed = fresh(job)
    assert (failed.status, failed.error["code"]) == ("failed", "internal_error")
    assert "ZeroDivision" not in str(failed.error)


def test_a_dead_workers_job_is_taken_up_and_only_its_last_holder_settles(job_of):
    job = job_of(lambda job, reporter: {"by": str(job.lease_token)})
    now = timezone.now()
    dead = job_claim(queue="tests", now=now)
    assert job_claim(queue="tests", now=now) is None, "a live lease holds"
    later = now + LEASE + timedelta(seconds=1)
    second = job_claim(queue="tests", now=later)
    assert second.id == dead.id
    assert job_settle(job=dead, results={"by": "the dead"}) is False
    assert job_settle(job=second, results={"by": "the living"}) is True
    assert fresh(job).results == {"by": "the living"}
    assert events(job) == ["job.completed"]


def test_a_job_that_kills_its_workers_is_failed_after_its_attempts(job_of):
    job = job_of(lambda job, reporter: None)
    now = timezone.now()
    for attempt in range(2):
        assert job_claim(queue="tests", now=now + attempt * 2 * LEASE) is not None
    assert job_claim(queue="tests", now=now + 4 * LEASE) is None
    assert fresh(job).error["code"] == "attempts_exhausted"


def test_simultaneous_workers_share_the_jobs(job_of):
    done = []
    jobs = [job_of(lambda job, reporter: done.append(job.id)) for _ in range(6)]

    def worker():
        while job_work(queue="tests"):
            pass
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(done) == sorted(job.id for job in jobs)


def test_a_canceled_job_stops_and_calls_nobody_back(job_of):
    def work(job, reporter):
        with tenancy.operator():
            job_cancel(job_id=job.id, actor=ACTOR)
        reporter.progress("after", 50)
        raise AssertionError("went on after the cancellation")

    job = job_of(work, webhook_url="https://partner.example/hook")
    job_work(queue="tests")
    assert (fresh(job).status, events(job)) == ("canceled", [])


def test_the_sweep_counts_jobs_whose_message_was_lost(job_of):
    job = job_of(lambda job, reporter: None)
    assert jobs_sweep() == 0, "its own message is still under way"
    with tenancy.operator():
        Job.objects.filter(id=job.id).update(due_at=timezone.now() - timedelta(seconds=30))
    assert jobs_sweep() == 1


def test_a_failed_job_can_be_run_again_by_ops(job_of):
    def work(job, reporter):
        raise JobFailure("x", "x")

    job = job_of(work)
    job_work(queue="tests")
    with tenancy.operator():
        job_rerun(job_id=job.id, actor=ACTOR)
    again = fresh(job)
    assert (again.status, again.error, again.attempt_count, again.max_attempts) == ("queued", None, 1, 3)
    with tenancy.operator():
        assert AuditEntry.objects.filter(action="job.rerun", target_id=str(job.id)).exists()
