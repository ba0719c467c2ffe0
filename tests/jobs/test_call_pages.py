"""People send recordings in, follow them, read the results, cancel and erase: within their reach."""

import io

import av
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from config import tenancy
from jobs import forms, uploads
from jobs.models import Call, Job
from jobs.recordings import recording_read
from jobs.selectors import recording_erased_on
from partners.models import AuditEntry, Organization
from tests.engine import job_work
from tests.factories import make_agent, make_company, make_organization
from tests.pages.test_content_policy import check
from tests.people import browser, make_member

RESULTS = {
    "transcript": {
        "language": "en",
        "low_confidence": ["short"],
        "segments": [
            {"speaker": "left", "role": "agent", "start": 0.2, "end": 3.0, "text": "Good morning.",
             "confidence": 0.9, "words": []},
            {"speaker": "right", "role": "customer", "start": 4.1, "end": 8.0,
             "text": "I was charged twice on my <b>card</b>.", "confidence": 0.4, "words": []},
        ],
    },
    "tone_analysis": {
        "duration_s": 79.2,
        "speakers": {"agent": {"talk_s": 40.5, "words_per_minute": 151.0, "pitch_median_hz": 180.2,
                               "pitch_spread_semitones": 2.5, "loudness_db": -22.1}},
        "agent_talk_ratio": 1.0,
        "overlap_s": 0.4,
        "interruptions": {"agent": [12.0], "customer": []},
        "long_silences": [[20.0, 26.5]],
    },
    "content_analysis": {
        "summary": ["I was charged twice."],
        "topics": ["billing"],
        "intents": {"billing": {"role": "customer", "start": 4.1, "text": "charged", "confidence": 0.9}},
        "questions": [],
        "checklist": {"greeting": {"role": "agent", "start": 0.2, "text": "Good morning", "confidence": 0.9},
                      "closing": None},
        "sentiment": {"customer": -0.5},
        "score": {"components": {"protocol": {"score": 5.0, "evidence": ["Good morning"]}},
                  "low_confidence": []},
    },
    "overall_score": 8.0,
}  # fmt: skip
LIST, NEW = reverse("dashboard-calls"), reverse("dashboard-call-new")


@pytest.fixture
def company(organization):
    return make_company(organization)


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


def wav(seconds=1):
    target = io.BytesIO()
    with av.open(target, "w", format="wav") as output:
        stream = output.add_stream("pcm_mulaw", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, seconds * 8000), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 8000
        output.mux(stream.encode(frame) + stream.encode(None))
    return target.getvalue()


def upload(person, company, content=None, **given):
    file = SimpleUploadedFile("call.wav", wav() if content is None else content, "video/mp4")
    form = {"company": company.id, "call_type": "support", "recording": file} | given
    return person.post(NEW, form)


def sent(person, company, **given):
    answer = upload(person, company, **given)
    assert answer.status_code == 302, answer.content.decode()
    with tenancy.operator():
        return Call.objects.get(id=answer["Location"].rsplit("/", 1)[1])


def change(person, call, what):
    return person.post(reverse("dashboard-call-change", args=[call.id]), {"change": what})


def page(person, call):
    answer = person.get(reverse("dashboard-call", args=[call.id]))
    return answer.content.decode() if answer.status_code == 200 else answer.status_code


def fresh(row):
    with tenancy.operator():
        return type(row).objects.get(pk=row.pk)


def job_of(call):
    with tenancy.operator():
        return call.jobs.get()


def actions(organization):
    with tenancy.operator():
        return set(AuditEntry.objects.filter(organization=organization).values_list("action", flat=True))


def calls():
    with tenancy.operator():
        return Call.objects.count()


def test_an_uploaded_recording_is_stored_and_queued(manager, organization, company, settings):
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"  # audio in the clear must not touch a disk
    agent = make_agent(company)
    content = wav(seconds=400)
    call = sent(manager, company, content=content, agent=agent.id)
    assert (call.agent_id, call.client_id, call.call_type) == (agent.id, None, "support")
    assert recording_read(call_id=call.id, name=call.recording_name) == content
    assert job_of(call).status == "queued"
    assert "call.uploaded" in actions(organization)
    html = page(manager, call)
    check(html)
    assert "Waiting for a worker" in html


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"content": b"#EXTM3U\nfile:///etc/passwd"}, "Send wav, mp3"),
        ({"content": b""}, "The submitted file is empty."),
        ({"call_type": "<script>"}, "Enter a valid value."),
        ({"recording": "no file"}, "This field is required."),
    ],
)
def test_an_upload_that_cannot_be_analysed_is_refused_at_once(manager, company, given, said):
    answer = upload(manager, company, **given)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert calls() == 0


def test_an_upload_beyond_the_limit_is_not_kept(manager, company, monkeypatch):
    for module in (forms, uploads):
        monkeypatch.setattr(module, "MAX_AUDIO_BYTES", 5000)
    answer = upload(manager, company)
    assert (answer.status_code, calls()) == (422, 0)
    assert "larger than 60 MB" in answer.content.decode()


def test_an_upload_needs_a_governor_a_token_and_ones_own_company(manager, organization, company):
    theirs = make_company(make_organization())
    assert upload(manager, theirs).status_code == 422
    assert upload(manager, company, agent=make_agent(theirs).id).status_code == 422
    member = make_member("member", organization)
    assert upload(browser(member), company).status_code == 403
    assert upload(Client(), company).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_member("manager", organization))
    assert upload(strict, company).status_code == 403
    assert calls() == 0


def test_choosing_a_company_offers_its_agents(manager, organization, company):
    agent, other = make_agent(company), make_agent(make_company(organization, name="Contoso"))
    html = manager.get(NEW, {"company": company.id}).content.decode()
    assert agent.email in html
    assert other.email not in html
    assert manager.get(NEW, {"company": "\x00nonsense"}).status_code == 200


def test_calls_are_found_within_reach(manager, admin_client, organization, company):
    mine = sent(manager, company)
    contoso = sent(manager, make_company(organization, name="Contoso"), call_type="sales")
    elsewhere = make_organization()
    foreign = sent(admin_client, make_company(elsewhere))

    def found(person, **filters):
        return {call.id for call, _ in person.get(LIST, filters).context["calls"]}

    assert found(manager) == {mine.id, contoso.id}
    assert found(admin_client) == {mine.id, contoso.id, foreign.id}
    assert found(manager, q="conto") == found(manager, type="sales") == {contoso.id}
    assert found(manager, q=str(mine.id)) == found(manager, q=str(job_of(mine).id)) == {mine.id}
    change(manager, mine, "cancel")
    assert found(manager, status="canceled") == {mine.id}
    assert (
        found(manager, environment="production") == found(manager, q="\x00", page="x", status="odd") == set()
    )
    assert page(manager, foreign) == 404
    assert change(manager, foreign, "erase").status_code == 404
    assert fresh(foreign).recording_name


def test_a_call_is_canceled_erased_and_run_again(manager, organization, company):
    member = browser(make_member("member", organization))
    call = sent(manager, company, content=b"fLaC" + bytes(400))
    for what in ("cancel", "erase", "rerun"):
        assert change(member, call, what).status_code == 403
    assert "Erase recording" not in page(member, call)
    job_work(queue="analysis")
    assert "corrupt_audio" in page(manager, call)
    change(manager, call, "rerun")
    assert job_of(call).status == "queued"
    change(manager, call, "cancel")
    assert job_of(call).status == "canceled"
    for _ in range(2):
        assert change(manager, call, "erase").status_code == 302
    assert fresh(call).recording_erased_at is not None
    with pytest.raises(FileNotFoundError):
        recording_read(call_id=call.id, name=call.recording_name)
    assert {"job.rerun", "job.cancel", "call.recording_erased"} <= actions(organization)
    html = page(manager, call)
    assert "Erase recording" not in html
    assert "Run again" not in html
    with tenancy.operator():
        assert AuditEntry.objects.filter(action="call.recording_erased").count() == 1


def test_results_are_readable_and_escaped(manager, company, admin_client):
    call = sent(manager, company)
    with tenancy.operator():
        Job.objects.filter(call=call).update(status="completed", results=RESULTS, progress=100)
    html = page(manager, call)
    check(html)
    for shown in ("8.0", "Agent", "0:04", "I was charged twice", "Greeting", "words a minute", "100%"):
        assert shown in html, shown
    assert "<b>card</b>" not in html
    assert "hx-trigger" not in html.split('id="call"')[1].split(">")[0], "settled: nothing to wait for"
    assert "8.0" in manager.get(LIST).content.decode()
    check(admin_client.get(reverse("dashboard-job-detail", args=[job_of(call).id])).content.decode())


def test_governors_say_how_long_recordings_are_kept(manager, organization, company, admin_client):
    call = sent(manager, company)
    url = reverse("organization-recordings", args=[organization.id])
    assert manager.post(url, {"days": "7", "unmasked": "on"}).status_code == 302
    assert fresh(organization).recording_retention_days == 7
    assert fresh(organization).transcripts_unmasked
    with tenancy.operator():
        kept = Call.objects.select_related("organization").get(id=call.id)
    assert (recording_erased_on(kept) - kept.created_at).days == 7
    for bad in ("-1", "4000", "soon"):
        assert manager.post(url, {"days": bad}).status_code == 422
    member = browser(make_member("member", organization))
    assert member.post(url, {"days": "1"}).status_code == 403
    assert (
        "Erased after 7 days"
        in member.get(reverse("organization-detail", args=[organization.id])).content.decode()
    )
    other = make_organization()
    assert manager.post(reverse("organization-recordings", args=[other.id]), {"days": "1"}).status_code == 404
    assert fresh(other).recording_retention_days is None
    assert admin_client.post(url, {"days": ""}).status_code == 302
    with tenancy.operator():
        assert Organization.objects.get(id=organization.id).recording_retention_days is None
        entries = AuditEntry.objects.filter(action="organization.recordings_changed").order_by("sequence")
        assert [entry.after["recording_retention_days"] for entry in entries] == [7, None]


def test_ops_erase_recordings_in_the_admin(manager, company, admin_client):
    call = sent(manager, company)
    url = reverse("admin:jobs_call_changelist")
    admin_client.post(url, {"action": "erase_recordings", "_selected_action": [str(call.id)]})
    assert fresh(call).recording_erased_at is not None
