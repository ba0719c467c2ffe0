"""Who is served next, and for how long: nobody's queue holds another's."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from config import tenancy
from jobs.models import Job
from jobs.services import queueing, runner
from jobs.services.claims import _BY_INDEX, _NEXT
from jobs.services.queueing import jobs_sweep
from jobs.services.runner import jobs_work
from tests.conftest import owner_connection
from tests.engine import job_claim, job_work
from tests.factories import make_client
from tests.jobs import poison as _poison  # registers its types
from tests.jobs.conftest import fresh

__all__ = ["_poison"]


@pytest.fixture
def many():
    """Queue as many jobs of one client, a minute ago."""

    def queued(client, count):
        with tenancy.operator():
            Job.objects.bulk_create(
                Job(
                    organization_id=client.organization_id,
                    environment="sandbox",
                    client=client,
                    job_type="tests.good",
                    due_at=timezone.now() - timedelta(minutes=1),
                )
                for _ in range(count)
            )

    return queued


def test_ten_thousand_jobs_of_one_hold_nobody_else_up(many, submit):
    busy = make_client()
    many(busy, 10_000)
    other = submit("tests.good")
    first = [job_claim(queue="default", now=timezone.now()).id for _ in range(2)]
    assert other.id in first
    third = job_claim(queue="default", now=timezone.now())
    assert third.organization_id == busy.organization_id, "and nobody waits for those who want nothing"


def test_organizations_take_turns_as_long_as_they_have_work(many):
    clients = [make_client() for _ in range(3)]
    for client in clients:
        many(client, 3)
    served = [job_claim(queue="default", now=timezone.now()).organization_id for _ in range(9)]
    owners = {client.organization_id for client in clients}
    assert [set(served[at : at + 3]) for at in (0, 3, 6)] == [owners] * 3


def test_a_claim_reads_no_more_the_more_waits(many):
    many(make_client(), 3_000)
    with owner_connection() as owner:  # rows of earlier tests are read past until then
        owner.execute("VACUUM (ANALYZE) async_jobs")
    given = {
        "queue": "default",
        "after": UUID(int=0),
        "now": timezone.now(),
        "types": ["tests.good"],
        "most": 1,
    }
    given["caps"] = "{}"
    with tenancy.operator(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {_NEXT}", given)
        ((plan,),) = cursor.fetchone()
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 60, plan


def test_one_wake_up_works_on_all_that_is_due(submit):
    jobs = [submit("tests.good") for _ in range(5)]
    assert jobs_work(queue="default") == 5
    assert {fresh(job).status for job in jobs} == {"completed"}


def test_a_turn_ends_and_asks_for_another(submit, monkeypatch):
    monkeypatch.setattr(runner, "TURN_S", 0)
    monkeypatch.delitem(runner._typical_s, "tests.good", raising=False)
    sent = []
    monkeypatch.setattr(runner, "enqueue_once", sent.append)
    jobs = [submit("tests.good") for _ in range(2)]
    assert jobs_work(queue="default") == 1
    assert sent == ["jobs.run"] * 2, "for another worker, and for the rest"
    assert sorted(fresh(job).status for job in jobs) == ["completed", "queued"]


def test_the_sweep_wakes_few_however_many_wait(many, monkeypatch):
    sent = []
    monkeypatch.setattr(queueing, "enqueue", sent.append)
    many(make_client(), 2_000)
    assert jobs_sweep() == len(sent) == 4


def test_a_job_of_a_type_this_worker_does_not_know_is_left_to_others(submit, monkeypatch):
    unknown, known = submit("tests.good"), submit("tests.good")
    with tenancy.operator():
        Job.objects.filter(id=unknown.id).update(job_type="tests.of_tomorrow")
    assert jobs_work(queue="default") == 1
    assert (fresh(unknown).status, fresh(known).status) == ("queued", "completed")
    assert job_work(queue="default") is False
