"""Section B: POST /calls/analyze and GET /jobs/:id/status."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from config import tenancy
from jobs.models import Call, Job
from jobs.recordings import recording_read
from tests.factories import make_agent, make_company, make_organization

AUDIO = b"RIFF....WAVEfmt "
ENCODED = base64.b64encode(AUDIO).decode()


@pytest.fixture
def company(organization):
    return make_company(organization)


def jobs():
    with tenancy.operator():
        return Job.objects.count()


def test_a_call_is_taken_in_and_its_job_can_be_followed(partner, company):
    agent = make_agent(company)
    answer = partner.post(
        "/calls/analyze",
        {
            "audio_file": ENCODED,
            "company_id": str(company.id),
            "agent_id": str(agent.id),
            "call_type": "support",
            "webhook_url": "http://127.0.0.1:9000/hook",
        },
    )
    body = answer.json()
    assert answer.status_code == 202
    assert set(body) == {"job_id", "status", "estimated_time", "message"}
    assert (body["status"], body["message"]) == ("queued", "Analysis job created successfully")
    assert body["estimated_time"].endswith(" minutes")
    status = partner.get(f"/jobs/{body['job_id']}/status").json()
    assert set(status) == {
        "job_id", "job_type", "status", "progress", "call_id", "results", "error", "created_at",
        "started_at", "completed_at",
    }  # fmt: skip
    assert (status["job_type"], status["status"], status["progress"]) == (
        "call_analysis",
        "queued",
        0,
    )


def test_the_estimate_follows_the_queue_and_the_speed_measured(partner, company):
    def estimate(audio=ENCODED):
        body = {"audio_file": audio, "company_id": str(company.id)}
        return partner.post("/calls/analyze", body).json()["estimated_time"]

    assert estimate() == "1-2 minutes"
    with tenancy.operator():
        Call.objects.update(recording_bytes=9_600_000)  # ten minutes, at the speed that is assumed
    assert estimate() == "3-4 minutes"
    now = timezone.now()
    with tenancy.operator():  # it took thirty seconds
        Job.objects.filter(call__recording_bytes=9_600_000).update(
            status="completed", started_at=now - timedelta(seconds=30), completed_at=now
        )
    assert estimate() == "1-2 minutes"
    for _ in range(5):  # of a size nobody knows: thirty seconds each
        last = estimate("http://127.0.0.1:9/call.wav")
    assert last == "3-4 minutes"


def test_the_recording_lies_sealed(partner, company):
    partner.post("/calls/analyze", {"audio_file": ENCODED, "company_id": str(company.id)})
    with tenancy.operator():
        call = Call.objects.get(company=company)
    stored = Path(settings.STORAGES["recordings"]["OPTIONS"]["location"]) / call.recording_name
    assert AUDIO not in stored.read_bytes()
    assert recording_read(call_id=call.id, name=call.recording_name) == AUDIO


def test_a_data_url_and_an_address_are_taken_too(partner, company):
    for audio in (f"data:audio/wav;base64,{ENCODED}", "http://127.0.0.1:9000/call.wav"):
        body = {"audio_file": audio, "company_id": str(company.id)}
        assert partner.post("/calls/analyze", body).status_code == 202


@pytest.mark.parametrize(
    "audio",
    ["", "not base64!", "data:audio/wav,plain", "data:;base64,", "ftp://h/x", "http://10.0.0.1/a.wav",
     "https://user:pw@h.example/a.wav"],
)  # fmt: skip
def test_audio_that_is_none_is_400_and_makes_no_job(partner, company, audio):
    answer = partner.post("/calls/analyze", {"audio_file": audio, "company_id": str(company.id)})
    if audio.startswith("ftp"):
        assert "base64" in str(answer.json()["details"]["audio_file"])
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert "audio_file" in answer.json()["details"]
    assert jobs() == 0


def test_webhook_addresses_inside_are_400(partner, company):
    for url in ("http://169.254.169.254/", "https://[::ffff:10.0.0.1]/", "gopher://x", "nonsense"):
        body = {"audio_file": ENCODED, "company_id": str(company.id), "webhook_url": url}
        answer = partner.post("/calls/analyze", body)
        assert (answer.status_code, next(iter(answer.json()["details"]))) == (400, "webhook_url"), url
    assert jobs() == 0


def test_another_tenants_company_agent_and_job_are_404(partner, other_partner, company):
    theirs = make_company(make_organization())
    foreign_agent = make_agent(theirs)
    for body in (
        {"company_id": str(theirs.id)},
        {"company_id": str(company.id), "agent_id": str(foreign_agent.id)},
    ):
        answer = partner.post("/calls/analyze", {"audio_file": ENCODED} | body)
        assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")
    assert jobs() == 0
    mine = partner.post("/calls/analyze", {"audio_file": ENCODED, "company_id": str(company.id)})
    unknown = "00000000-0000-7000-8000-000000000000"
    answers = [other_partner.get(f"/jobs/{identity}/status") for identity in (mine.json()["job_id"], unknown)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({str(answer.json() | {"requestId": ""}) for answer in answers}) == 1


def test_a_repeat_with_the_same_idempotency_key_makes_one_job(partner, company):
    body = {"audio_file": ENCODED, "company_id": str(company.id)}
    headers = {"Idempotency-Key": "one"}
    answers = [partner.post("/calls/analyze", body, headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert jobs() == 1


def test_audio_may_be_larger_than_other_bodies(partner, company, settings):
    settings.API_MAX_BODY_BYTES = 200
    body = {"audio_file": base64.b64encode(b"x" * 400).decode(), "company_id": str(company.id)}
    assert partner.post("/calls/analyze", body).status_code == 202
