"""Calls in a browser: uploaded, followed without a reload, read, erased. SHOTS=directory keeps pictures."""

import json
import os
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from config import tenancy
from jobs.models import Call, Job
from partners.models import Membership
from tests.browser.sessions import sign_in
from tests.engine import job_claim, job_work
from tests.factories import make_agent, make_company, make_organization, make_user
from tests.jobs.test_call_pages import RESULTS

RECORDING = Path(settings.BASE_DIR) / "tests" / "data" / "audio" / "call_good_stereo_8k_ulaw.wav"


def test_a_recording_is_uploaded_followed_read_and_erased(page, picture):
    organization = make_organization(name="Acme Contact Centers")
    person = make_user(full_name="Dana Levi")
    with tenancy.operator():
        Membership.objects.create(organization=organization, user=person.user, role="manager")
    company = make_company(organization)
    agent = make_agent(company)
    sign_in(page, person)
    page.goto("/dashboard/calls")
    shown(page, "calls-empty")
    page.get_by_role("link", name="Analyse a recording").click()

    page.get_by_label("Recording").set_input_files(
        {"name": "list.wav", "mimeType": "audio/wav", "buffer": b"#EXTM3U\nfile:///etc/passwd"}
    )
    page.get_by_label("Company").select_option(str(company.id))
    page.get_by_label("Agent").select_option(str(agent.id))
    page.get_by_label("Call type").fill("support")
    page.get_by_role("button", name="Upload and analyse").click()
    page.get_by_text("Send wav, mp3").wait_for()
    shown(page, "call-form-refused")
    page.get_by_label("Recording").set_input_files(RECORDING)
    page.get_by_role("button", name="Upload and analyse").click()
    page.get_by_text("Waiting for a worker").wait_for()
    shown(page, "call-waiting")

    call_page = page.url
    analyse()
    page.get_by_role("heading", name="Conversation").wait_for()
    page.locator("#call-state", has_text="Completed").wait_for()
    assert page.get_by_role("button", name="Cancel analysis").count() == 0
    shown(page, "call-results")
    picture(page, "call")

    page.goto("/dashboard/calls/types/new?call_type=support")
    page.get_by_label("The agent should have").fill("greeting\nAccount number: what is your account number")
    shown(page, "checklist-form")
    picture(page, "checklist")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("judged by your checklist").wait_for()
    page.goto("/dashboard/calls/types")
    shown(page, "checklists")
    page.goto("/dashboard/calls/companies")
    page.get_by_role("button", name="Add a company").click()
    shown(page, "companies")
    page.goto(call_page)
    page.get_by_role("button", name="Erase recording").click()
    shown(page, "call-erase")
    page.get_by_role("button", name="Erase now").click()
    page.get_by_text("The recording is erased.").wait_for()
    assert page.get_by_role("button", name="Erase recording").count() == 0
    with tenancy.operator():
        assert Call.objects.get().recording_erased_at is not None
    page.goto("/dashboard/calls")
    page.get_by_text("8.0").wait_for()
    shown(page, "calls")
    page.goto(f"/dashboard/organizations/{organization.id}")
    shown(page, "organization")


def analyse():
    """As a worker does; the analysis itself only where pictures are taken, since it loads models."""
    if os.environ.get("SHOTS") or os.environ.get("HUB_SCREENSHOTS"):
        assert job_work(queue="analysis")
        return
    job = job_claim(queue="analysis", now=timezone.now())
    with tenancy.operator():
        Job.objects.filter(id=job.id).update(
            status="completed",
            progress=100,
            results=json.loads(json.dumps(RESULTS)),
            completed_at=timezone.now(),
        )


def shown(page, name):
    if directory := os.environ.get("SHOTS"):
        page.screenshot(path=f"{directory}/{name}.png", full_page=True)
