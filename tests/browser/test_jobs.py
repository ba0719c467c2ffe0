"""Jobs in a browser: dead letters are found, looked into and run again."""

import os

import pytest

from config import tenancy
from jobs.models import Job
from jobs.registry import JOB_TYPES, JobFailure, JobType, Retry
from jobs.services.runner import jobs_work
from tests.browser.sessions import sign_in
from tests.factories import make_client, make_organization, make_super_admin
from tests.jobs.conftest import fresh, submit

__all__ = ["submit"]


@pytest.fixture
def dead(monkeypatch, submit):
    """Two jobs of which one failed for good at its second attempt, late."""

    def work(job, reporter):
        reporter.progress("fetch", 40)
        if job.attempt_count == 1:
            raise ConnectionError("connection reset by peer")
        raise JobFailure("catalogue_empty", "The catalogue's address answered an empty list.")

    client = make_client(make_organization(name="Acme Contact Centers"), name="Northwind")
    kinds = {
        "catalogue_sync": JobType("catalogue_sync", "default", work, retry=Retry(delay_s=0), sla_s=0),
        "report": JobType("report", "default", lambda job, reporter: {"rows": 1204}),
    }
    for name, kind in kinds.items():
        monkeypatch.setitem(JOB_TYPES, name, kind)
    job = submit("catalogue_sync", client=client, params={"catalogue": "spring", "since": "2026-11-01"})
    submit("report", client=client)
    jobs_work(queue="default")
    return job


def test_a_dead_letter_is_found_looked_into_and_run_again(page, dead):
    person = make_super_admin()
    sign_in(page, person)
    page.goto("/dashboard/jobs")
    page.get_by_label("Error code").select_option("catalogue_empty")
    page.get_by_text("report", exact=True).wait_for(state="detached")
    shown(page, "jobs-dead")
    page.get_by_role("link", name="catalogue_sync").click()
    page.get_by_text("ConnectionError: connection reset by peer").wait_for()
    shown(page, "job-attempts")
    page.get_by_role("button", name="Run again").click()
    page.get_by_text("1 jobs were queued again.").wait_for()
    assert fresh(dead).status == "queued"

    page.goto("/dashboard/jobs")
    page.get_by_label("Choose catalogue_sync").check()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("1 jobs were canceled.").wait_for()
    with tenancy.operator():
        assert set(Job.objects.values_list("status", flat=True)) == {"canceled", "completed"}


def shown(page, name):
    if directory := os.environ.get("SHOTS"):
        page.screenshot(path=f"{directory}/{name}.png", full_page=True)
