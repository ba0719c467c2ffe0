"""Quick jobs share a claim and a commit, and nothing else."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config import tenancy
from jobs.registry import JOB_TYPES, JobType
from jobs.services import runner
from jobs.services.claims import LEASE, jobs_claim
from jobs.services.lots import Lot
from jobs.services.runner import jobs_work
from tests.factories import make_client
from tests.jobs.conftest import attempts, fresh
from tests.processes import wait_until
from webhooks.models import Event


@pytest.fixture
def quick(monkeypatch, submit):
    """Submit jobs of a quick type, all of one client, whose work is the given function."""
    client = make_client()

    def submitted(work, *, count=4, **kind):
        monkeypatch.setitem(JOB_TYPES, "tests.quick", JobType("tests.quick", "tests", work, **kind))
        monkeypatch.setitem(runner._typical_s, "tests.quick", 0.001)
        return [submit("tests.quick", client, params={"number": number}) for number in range(count)]

    return submitted


def claimed_together(count=10):
    return jobs_claim(queue="tests", now=timezone.now(), quick=["tests.quick"], at_most=count)


def announced(jobs):
    with tenancy.operator():
        found = Event.objects.filter(organization_id=jobs[0].organization_id).order_by("created_at", "id")
        return [(event.type, event.subject_id) for event in found]


def test_a_lot_is_worked_on_in_order_and_each_of_it_is_announced_once(quick):
    jobs = quick(lambda job, reporter: {"number": job.params["number"]})
    assert runner.lot_work(Lot(claimed_together())) == 4
    assert [fresh(job).results for job in jobs] == [{"number": number} for number in range(4)]
    assert announced(jobs) == [("job.completed", str(job.id)) for job in jobs]
    assert [[attempt.outcome for attempt in attempts(job)] for job in jobs] == [["completed"]] * 4


def test_who_takes_long_lets_the_others_of_its_lot_go(quick):
    go_on = threading.Event()

    def work(job, reporter):
        if job.params["number"] == 1:
            assert go_on.wait(20)
        return {}

    jobs = quick(work)
    first, slow, *waiting = jobs
    worker = threading.Thread(target=lambda: (jobs_work(queue="tests"), connection.close()))
    worker.start()
    try:
        wait_until(lambda: fresh(first).status == "completed", seconds=10)
        wait_until(lambda: {fresh(job).status for job in waiting} == {"queued"}, seconds=10)
        assert [(fresh(job).attempt_count, attempts(job)) for job in waiting] == [(0, [])] * 2
        assert fresh(slow).status == "processing"
        assert jobs_work(queue="tests") == 2, "another worker has them"
    finally:
        go_on.set()
        worker.join(20)
    assert [fresh(job).status for job in jobs] == ["completed"] * 4
    assert sorted(announced(jobs)) == sorted(("job.completed", str(job.id)) for job in jobs)


def test_a_dead_worker_costs_each_of_its_lot_one_attempt_and_then_they_go_alone(quick):
    jobs = quick(lambda job, reporter: {})
    assert len(claimed_together()) == 4
    again = jobs_claim(
        queue="tests", now=timezone.now() + LEASE + timedelta(seconds=1), quick=["tests.quick"], at_most=10
    )
    assert [job.id for job in again] == [jobs[0].id]
    assert [attempt.outcome for attempt in attempts(jobs[0])] == ["worker_lost", "running"]


def test_a_job_with_a_single_attempt_shares_no_fate(quick):
    quick(lambda job, reporter: {}, max_attempts=1)
    with tenancy.operator():
        assert len(claimed_together()) == 1


@pytest.mark.parametrize("results", [{1, 2}, "\x00"])
def test_results_that_cannot_be_kept_fail_their_own_job_only(quick, results):
    jobs = quick(lambda job, reporter: results if job.params["number"] == 1 else {}, max_attempts=2)
    runner.lot_work(Lot(claimed_together()))
    assert [fresh(job).status for job in jobs] == ["completed", "queued", "completed", "completed"]
    assert len(announced(jobs)) == 3


def test_a_callback_that_raises_leaves_the_others_settled(quick):
    def settled(job):
        if job.params["number"] == 2:
            raise RuntimeError("not today")

    jobs = quick(lambda job, reporter: {}, settled=settled)
    runner.lot_work(Lot(claimed_together()))
    assert [fresh(job).status for job in jobs] == ["completed", "completed", "processing", "completed"]


def test_no_organization_has_more_under_way_than_the_type_allows(quick, submit):
    busy, most, lock = [], [], threading.Lock()

    def work(job, reporter):
        with lock:
            busy.append(job.id)
            most.append(len(busy))
        time.sleep(0.05)
        with lock:
            busy.remove(job.id)

    jobs = quick(work, count=6, concurrency_per_organization=2)

    def worker():
        while jobs_work(queue="tests") or any(fresh(job).status == "queued" for job in jobs):
            time.sleep(0.01)
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {fresh(job).status for job in jobs} == {"completed"}
    assert max(most) == 2


def test_a_full_organization_holds_nobody_else_up(quick, submit):
    quick(lambda job, reporter: {}, concurrency_per_organization=1)
    other = submit("tests.quick", make_client(), params={"number": 0})
    claimed = [jobs_claim(queue="tests", now=timezone.now()) for _ in range(3)]
    assert [len(jobs) for jobs in claimed] == [1, 1, 0]
    assert other.id in {jobs[0].id for jobs in claimed[:2]}
