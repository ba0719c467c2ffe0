"""A worker without its models: the job says so, and everything else goes on."""

import base64
import sys

import pytest
from django.conf import settings as hub

from jobs.analysis import models
from tests.engine import job_work
from tests.factories import make_company

CALL = base64.b64encode((hub.BASE_DIR / "tests" / "data" / "audio" / "goforward.wav").read_bytes()).decode()


@pytest.fixture(params=["no model in the folder", "nothing installed"])
def said(request, settings, monkeypatch, tmp_path):
    """The models are missing in one of two ways; what is said of it."""
    if request.param == "nothing installed":
        models.whisper.cache_clear()
        monkeypatch.setitem(sys.modules, "faster_whisper", None)
        return "Call analysis is not installed here: install requirements-analysis.txt."
    settings.ANALYSIS_MODEL_DIR = str(tmp_path / "nothing")
    return "There is no faster-whisper model in nothing."


def test_the_job_fails_with_a_clear_code_and_the_web_side_goes_on(said, partner, organization):
    company = make_company(organization)
    body = {"audio_file": CALL, "company_id": str(company.id)}
    job = partner.post("/calls/analyze", body).json()["job_id"]
    assert job_work(queue="analysis")
    status = partner.get(f"/jobs/{job}/status").json()
    assert (status["status"], status["results"]) == ("failed", None)
    assert status["error"] == {"code": "models_missing", "message": said}
    assert not job_work(queue="analysis"), "to try again would not bring a model"
    assert partner.get("/health").json()["status"] == "ok"
    assert partner.post("/calls/analyze", body).status_code == 202
