"""An analysed call as subtitles and as a report: for partners by key, for people in the dashboard."""

import base64
import hashlib
import re

import pytest
from django.utils import timezone

from config import tenancy
from credentials.scopes import Scope
from jobs.documents.subtitles import srt, vtt
from jobs.models import Call
from jobs.services.queueing import job_submit
from jobs.services.settling import job_settle
from partners.models import Membership
from tests.engine import job_claim
from tests.factories import make_company, make_key, make_organization
from tests.partner import Partner
from tests.people import browser, make_member

KINDS = {"transcript.srt": "application/x-subrip", "transcript.vtt": "text/vtt", "report.html": "text/html"}


def said(role, start, text, step=0.4):
    words = [
        {"word": word, "start": start + step * number, "end": start + step * number + 0.3, "confidence": 0.9}
        for number, word in enumerate(text.split())
    ]
    return {
        "speaker": "left", "role": role, "start": start, "end": words[-1]["end"], "text": text,
        "confidence": 0.9, "words": words,
    }  # fmt: skip


def results(*segments, language="en"):
    quote = {"role": "agent", "start": 0.5, "text": "Good morning", "confidence": 0.95}
    protocol = {"score": 5.0, "weight": 0.3, "evidence": ["closing: not heard"]}
    return {
        "transcript": {
            "text": "",
            "language": language,
            "low_confidence": ["short"],
            "segments": list(segments),
        },
        "tone_analysis": {"duration_s": 61.0, "speakers": {}},
        "content_analysis": {
            "summary": ["Somebody asked <b>twice</b>."],
            "questions": [],
            "checklist": {"greeting": quote, "closing": None},
            "score": {"overall": 7.4, "low_confidence": [], "components": {"protocol": protocol}},
        },
        "overall_score": 7.4,
    }


@pytest.fixture
def analysed(partner, organization):
    """A completed analysis with these results; its job."""

    def completed(found):
        company = make_company(organization)
        with tenancy.operator():
            call = Call.objects.create(
                organization=organization, environment="sandbox", company=company, call_type="support"
            )
            job = job_submit(
                organization_id=organization.id,
                environment="sandbox",
                client_id=partner.issued.key.client_id,
                job_type="call_analysis",
                call=call,
            )
        if found is not None:
            assert job_settle(job=job_claim(queue="analysis", now=timezone.now()), results=found)
        return job

    return completed


def test_subtitles_are_short_enough_to_read_and_say_who_speaks():
    long = " ".join(["conversation"] * 12)
    text = srt(results(said("agent", 0.5, "Good morning."), said("customer", 3661.25, long)))
    cues = [block.split("\n") for block in text.strip().split("\n\n")]
    assert cues[0] == ["1", "00:00:00,500 --> 00:00:01,200", "Agent: Good morning."]
    assert cues[1][1].startswith("01:01:01,250 --> ")
    assert [cue[0] for cue in cues] == [str(number) for number in range(1, len(cues) + 1)]
    assert all(len(line) <= 42 + len("Customer: ") for cue in cues for line in cue[2:])
    assert all(len(cue[2:]) <= 2 for cue in cues)
    assert sum(line.count("conversation") for cue in cues for line in cue[2:]) == 12


def test_webvtt_escapes_what_is_said_and_names_the_voice():
    text = vtt(results(said("agent", 0, "less < more & more"), said("unknown", 5, "-->")))
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert "<v agent>less &lt; more &amp; more" in text
    assert "<v left>--&gt;" in text


def test_nothing_said_is_an_empty_file_of_its_kind():
    assert (srt({}), vtt({})) == ("", "WEBVTT\n")


@pytest.mark.parametrize(("path", "media_type"), KINDS.items())
def test_a_partner_takes_each_document_also_by_its_media_type(partner, analysed, path, media_type):
    job = analysed(results(said("agent", 0, "Good morning.")))
    for accept in ("*/*", media_type):
        answer = partner.get(f"/jobs/{job.id}/{path}", headers={"Accept": accept})
        assert answer.status_code == 200, answer.content
        assert answer.headers["Content-Type"] == f"{media_type}; charset=utf-8"
        assert "Good morning." in answer.content.decode()
    refused = partner.get(f"/jobs/{job.id}/{path}", headers={"Accept": "image/png"})
    assert (refused.status_code, refused.json()["error"]) == (406, "NOT_ACCEPTABLE")


def test_a_report_holds_everything_and_lets_nothing_else_in(partner, analysed):
    job = analysed(results(said("agent", 0, "Good <script>alert(1)</script> morning.")))
    answer = partner.get(f"/jobs/{job.id}/report.html")
    page = answer.content.decode()
    assert "7.4" in page
    assert "closing: not heard" in page
    assert "Somebody asked &lt;b&gt;twice" in page
    assert "<script>" not in page
    style = re.search(r"<style>(.*)</style>", page, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_hebrew_call_is_written_from_right_to_left(partner, analysed):
    job = analysed(results(said("agent", 0, "שלום"), language="he"))
    assert '<html lang="he" dir="rtl">' in partner.get(f"/jobs/{job.id}/report.html").content.decode()


def test_an_analysis_under_way_has_none_yet_and_others_jobs_are_not_there(
    partner, other_partner, analysed, organization
):
    waiting = analysed(None)
    for path in KINDS:
        early = partner.get(f"/jobs/{waiting.id}/{path}")
        assert (early.status_code, early.json()["error"]) == (409, "CONFLICT")
        assert other_partner.get(f"/jobs/{waiting.id}/{path}").status_code == 404
        blind = Partner(make_key(organization, scopes=[Scope.LEADS_READ]))
        assert blind.get(f"/jobs/{waiting.id}/{path}").status_code == 403


def test_members_take_them_from_the_dashboard_and_strangers_do_not(partner, analysed, organization):
    job = analysed(results(said("agent", 0, "Good morning.")))
    address = f"/dashboard/calls/{job.call_id}/{job.id}"
    member = browser(make_member(Membership.Role.MEMBER, organization))
    answers = [member.get(f"{address}.{kind}").status_code for kind in ("html", "srt", "vtt", "exe")]
    assert answers == [200, 200, 200, 404]
    stranger = browser(make_member(Membership.Role.OWNER, make_organization()))
    assert stranger.get(f"{address}.html").status_code == 404
