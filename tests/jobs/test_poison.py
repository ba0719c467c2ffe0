"""Jobs that hog memory, never end or kill their process: they harm themselves only."""

import os
import threading

import psutil
import pytest
from django.db import connection

from config import tenancy
from jobs.services.operations import job_cancel
from jobs.services.queueing import jobs_sweep
from jobs.services.runner import jobs_work
from tests.factories import ACTOR
from tests.jobs import poison as _poison  # registers its types
from tests.jobs.conftest import attempts, fresh
from tests.processes import Process, wait_until

__all__ = ["_poison"]


@pytest.mark.parametrize(
    ("job_type", "outcome", "tries"),
    [
        ("tests.hog", "memory_exceeded", 2),
        ("tests.glutton", "memory_exceeded", 1),
        ("tests.exit", "crashed", 2),
        ("tests.segfault", "crashed", 1),
        ("tests.endless", "timeout", 2),
    ],
)
def test_a_poison_job_spends_its_attempts_and_the_next_job_runs(submit, job_type, outcome, tries):
    poison, good = submit(job_type), submit("tests.good")
    for _ in range(3):  # a turn ends after a while
        jobs_work(queue="default")
    failed = fresh(poison)
    assert (failed.status, failed.error["code"]) == ("failed", outcome)
    assert [attempt.outcome for attempt in attempts(poison)] == [outcome] * tries
    assert fresh(good).results == {"pid": os.getpid()}, "the worker itself did it, alive"


def test_a_job_with_limits_works_elsewhere_and_answers_as_any_other(submit):
    job = submit("tests.good_confined", params={"a": 1})
    jobs_work(queue="default")
    done = fresh(job)
    assert (done.status, done.progress, done.results["params"]) == ("completed", 100, {"a": 1})
    assert done.results["pid"] != os.getpid()
    (attempt,) = attempts(job)
    assert attempt.peak_memory_bytes > 1 << 20
    assert attempt.cpu_s > 0
    assert not psutil.pid_exists(done.results["pid"])


def test_a_refusal_in_a_job_with_limits_is_final(submit):
    job = submit("tests.refusal_confined")
    jobs_work(queue="default")
    assert fresh(job).error == {"code": "too_quiet", "message": "Nobody speaks."}
    assert [attempt.outcome for attempt in attempts(job)] == ["failed"]


def test_a_canceled_job_with_limits_is_killed_though_it_never_asks(submit):
    job = submit("tests.stubborn")

    def work():
        jobs_work(queue="default")
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    wait_until(lambda: fresh(job).progress == 5, seconds=30)
    with tenancy.operator():
        job_cancel(job_id=job.id, actor=ACTOR)
    worker.join(20)
    assert not worker.is_alive()
    assert fresh(job).status == "canceled"
    assert [attempt.outcome for attempt in attempts(job)] == ["canceled"]


def test_one_celery_worker_outlives_every_poison(submit):
    poisons = [submit(f"tests.{name}") for name in ("hog", "glutton", "exit", "segfault", "endless")]
    good = [submit("tests.good"), submit("tests.good_confined")]
    command = ("celery", "-A", "config", "worker", "-Q", "default", "-c", "1", "-I", "tests.jobs.poison")
    worker = Process(*command, "--without-gossip", "--without-mingle")
    try:
        jobs_sweep()
        wait_until(lambda: all(fresh(job).completed_at for job in poisons + good), seconds=90)
    finally:
        worker.kill()
    assert {fresh(job).status for job in poisons} == {"failed"}
    assert {fresh(job).status for job in good} == {"completed"}
    names = {attempt.worker for job in poisons + good for attempt in attempts(job)}
    assert len(names) == 1, "the same process from the first to the last"


def test_an_attempt_ends_with_the_worker_that_was_killed(submit):
    job = submit("tests.stubborn")
    command = ("celery", "-A", "config", "worker", "-Q", "default", "-c", "1", "-I", "tests.jobs.poison")
    worker = Process(*command, "--without-gossip", "--without-mingle")
    wait_until(lambda: fresh(job).stage.startswith("pid "), seconds=60)
    confined = psutil.Process(int(fresh(job).stage.removeprefix("pid ")))
    assert os.getsid(confined.pid) == confined.pid, "it is in nobody's process group, and so outlives a kill"
    worker.kill()
    wait_until(lambda: not confined.is_running(), seconds=10)
