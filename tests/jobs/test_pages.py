"""Operators see dead letters, late jobs and every attempt; they run again and cancel, and it is audited."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config import tenancy
from jobs.models import Job
from jobs.registry import JOB_TYPES, JobFailure, JobType
from jobs.services.runner import jobs_work
from partners.models import AuditEntry
from tests.engine import job_claim
from tests.factories import make_super_admin, make_user
from tests.jobs.conftest import attempts, fresh

CHANGE = reverse("dashboard-jobs-change")


@pytest.fixture
def person():
    client = Client()
    client.force_login(make_super_admin().user)
    return client


@pytest.fixture
def failing(monkeypatch, submit):
    """Submit a job that fails with the given code."""

    def work(job, reporter):
        raise JobFailure(job.params["code"], "Nobody <speaks>.")

    monkeypatch.setitem(JOB_TYPES, "tests.failing", JobType("tests.failing", "default", work, sla_s=0))
    monkeypatch.setitem(JOB_TYPES, "tests.fine", JobType("tests.fine", "default", lambda job, reporter: None))
    return lambda code: submit("tests.failing", params={"code": code})


def listed(person, **filters):
    return {job["id"] for job in person.get(reverse("dashboard-jobs"), filters).context["jobs"]}


def audited(action):
    with tenancy.operator():
        return set(AuditEntry.objects.filter(action=action).values_list("target_id", flat=True))


def test_dead_letters_are_found_by_type_status_and_error(person, failing, submit):
    quiet, long, fine = failing("too_quiet"), failing("too_long"), submit("tests.fine")
    jobs_work(queue="default")
    assert listed(person, status="failed") == {quiet.id, long.id}
    assert listed(person, error="too_long") == {long.id}
    assert listed(person, type="tests.fine") == {fine.id}
    assert listed(person, sla="breached") == {quiet.id, long.id}
    assert listed(person, error="nothing") == set()
    assert listed(person, type="\x00", page="-1") == {quiet.id, long.id, fine.id}


def test_a_jobs_page_shows_its_attempts(person, failing):
    job = failing("too_quiet")
    jobs_work(queue="default")
    page = person.get(reverse("dashboard-job-detail", args=[job.id])).content.decode()
    assert "too_quiet" in page
    assert "Nobody &lt;speaks&gt;." in page
    assert attempts(job)[0].worker in page


def test_chosen_jobs_are_run_again_and_others_left_alone(person, failing, submit):
    dead, other = failing("a"), failing("b")
    jobs_work(queue="default")
    waiting = submit("tests.fine")
    answer = person.post(CHANGE, {"change": "rerun", "job": [dead.id, waiting.id, "no-uuid"]})
    assert answer.status_code == 302
    assert [fresh(job).status for job in (dead, other, waiting)] == ["queued", "failed", "queued"]
    assert audited("job.rerun") == {str(dead.id)}


def test_a_queued_and_a_running_job_are_canceled(person, failing, submit):
    running, queued = submit("tests.fine"), submit("tests.fine")
    claimed = job_claim(queue="default", now=timezone.now())
    person.post(CHANGE, {"change": "cancel", "job": [running.id, queued.id]})
    assert {fresh(running).status, fresh(queued).status} == {"canceled"}
    assert [attempt.outcome for attempt in attempts(claimed)] == ["canceled"]
    assert audited("job.cancel") == {str(running.id), str(queued.id)}
    person.post(CHANGE, {"change": "explode", "job": [queued.id], "from": "job"})
    assert fresh(queued).status == "canceled"


def test_only_super_admins_change_jobs(submit, failing):
    job = submit("tests.fine")
    client = Client()
    assert client.post(CHANGE, {"change": "cancel", "job": [job.id]}).status_code == 302
    client.force_login(make_user().user)
    assert client.post(CHANGE, {"change": "cancel", "job": [job.id]}).status_code == 403
    assert fresh(job).status == "queued"


def test_ops_run_again_and_cancel_in_the_admin(failing, submit):
    ops = Client()
    ops.force_login(make_user(is_staff=True).user)
    dead = failing("too_quiet")
    jobs_work(queue="default")
    waiting = submit("tests.fine")
    url = reverse("admin:jobs_job_changelist")
    found = ops.get(url, {"error_code": "too_quiet", "sla": "breached"}).context["cl"].result_list
    assert [job.id for job in found] == [dead.id]
    assert b"too_quiet" in ops.get(reverse("admin:jobs_job_change", args=[dead.id])).content
    for action in ("run_again", "cancel"):
        chosen = {"run_again": dead, "cancel": waiting}[action]
        ops.post(url, {"action": action, "_selected_action": [str(chosen.id)]})
    assert (fresh(dead).status, fresh(waiting).status) == ("queued", "canceled")
    assert (audited("job.rerun"), audited("job.cancel")) == ({str(dead.id)}, {str(waiting.id)})
    with tenancy.operator():
        assert Job.objects.count() == 2
