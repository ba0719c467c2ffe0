"""Recordings are fetched, lie sealed, are kept for a time, erased at once when asked, and leave no trace."""

import base64
import gzip
import logging
import os
import secrets
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.db import connection, transaction
from django.utils import timezone
from werkzeug import Response

from config import tenancy
from jobs.models import Call, Job
from jobs.recordings import recording_read, recording_save
from jobs.registry import JobFailure
from jobs.services.operations import job_cancel
from jobs.services.recordings import orphans_sweep, recording_erase, recording_of, recordings_expire
from jobs.tasks import expire_recordings
from partners.services.organizations import organization_change_recordings
from tests.conftest import owner_connection
from tests.engine import job_work
from tests.factories import ACTOR, make_company, make_organization

NOT_AUDIO = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """A storage of the test's own."""
    storage = settings.STORAGES["recordings"]
    storage = storage | {"OPTIONS": storage["OPTIONS"] | {"location": str(tmp_path / "recordings")}}
    settings.STORAGES = settings.STORAGES | {"recordings": storage}
    return tmp_path / "recordings"


@pytest.fixture
def company(organization):
    return make_company(organization)


@pytest.fixture
def send(partner, company):
    """Send audio in through the API; answers the call."""

    def sent(audio=NOT_AUDIO):
        audio = audio if isinstance(audio, str) else base64.b64encode(audio).decode()
        answer = partner.post("/calls/analyze", {"audio_file": audio, "company_id": str(company.id)})
        assert answer.status_code == 202, answer.json()
        with tenancy.operator():
            return Call.objects.get(jobs=answer.json()["job_id"])

    return sent


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.sealed"))


def fresh(call):
    with tenancy.operator():
        return Call.objects.get(id=call.id)


def settled(call):
    """Work on the call's job, and answer what its partner is told of the error."""
    assert job_work(queue="analysis")
    with tenancy.operator():
        job = Job.objects.get(call=call)
    assert job.status == "failed"
    return job.error["code"]


def keep(organization, days):
    with tenancy.operator():
        organization_change_recordings(
            organization_id=organization.id, days=days, unmasked=False, actor=ACTOR
        )


def aged(call, **age):
    with tenancy.operator():
        Call.objects.filter(id=call.id).update(created_at=timezone.now() - timedelta(**age))
    return call


# --- Input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (NOT_AUDIO, "unsupported_format"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "unsupported_format"),
        (b"PK\x03\x04" + bytes(100), "unsupported_format"),
        (b"fLaC" + bytes(400), "corrupt_audio"),
    ],
)
def test_a_hostile_file_ends_as_a_failed_job(partner, send, content, code):
    call = send(content)
    assert settled(call) == code
    with tenancy.operator():
        job = Job.objects.get(call=call)
    told = partner.get(f"/jobs/{job.id}/status").json()
    assert (told["status"], told["error"]["code"], told["results"]) == ("failed", code, None)
    assert "/" not in told["error"]["message"]


def test_a_recording_elsewhere_is_fetched_and_lies_sealed(send, folder, httpserver):
    httpserver.expect_request("/call.wav").respond_with_data(NOT_AUDIO)
    call = send(httpserver.url_for("/call.wav"))
    assert files(folder) == []
    assert settled(call) == "unsupported_format"
    call = fresh(call)
    assert files(folder) == [call.recording_name]
    assert NOT_AUDIO not in (folder / call.recording_name).read_bytes()
    assert recording_read(call_id=call.id, name=call.recording_name) == NOT_AUDIO
    assert call.recording_bytes == len(NOT_AUDIO)


def test_what_cannot_be_fetched_says_so_and_stores_nothing(send, folder, httpserver):
    packed = gzip.compress(bytes(61_000_000), 1)
    httpserver.expect_request("/bomb").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    httpserver.expect_request("/moved").respond_with_data("", 302, headers={"Location": "file:///etc/passwd"})
    httpserver.expect_request("/gone").respond_with_data("", 404)
    codes = {"/bomb": "audio_too_large", "/moved": "audio_redirect_refused", "/gone": "audio_unavailable"}
    for path, code in codes.items():
        assert settled(send(httpserver.url_for(path))) == code
    assert files(folder) == []


def test_an_address_that_is_busy_is_asked_again(send, folder, httpserver):
    busy = httpserver.expect_ordered_request("/call.wav")
    busy.respond_with_data("", 503)
    httpserver.expect_ordered_request("/call.wav").respond_with_data(NOT_AUDIO)
    call = send(httpserver.url_for("/call.wav"))
    assert job_work(queue="analysis")
    with tenancy.operator():
        assert Job.objects.get(call=call).status == "queued"
        Job.objects.filter(call=call).update(due_at=timezone.now())
    assert settled(call) == "unsupported_format"
    assert files(folder) == [fresh(call).recording_name]


def test_an_address_that_stays_busy_is_given_up(send, httpserver):
    httpserver.expect_request("/call.wav").respond_with_data("", 503)
    call = send(httpserver.url_for("/call.wav"))
    with tenancy.operator():
        Job.objects.filter(call=call).update(attempt_count=2)
    assert settled(call) == "audio_unavailable"


# --- Erasing ----------------------------------------------------------------------


def test_recordings_go_after_their_organizations_time(send, folder, organization):
    keep(organization, 7)
    old, young, waiting = aged(send(), days=8), aged(send(), days=6), aged(send(), days=8)
    with tenancy.operator():
        for call in (old, young):
            job_cancel(job_id=call.jobs.get().id, actor=ACTOR)
    expire_recordings()
    assert fresh(old).recording_name == ""
    assert fresh(old).recording_erased_at is not None
    # what an analysis still needs is kept until it is done
    assert files(folder) == sorted((fresh(young).recording_name, fresh(waiting).recording_name))
    settled(waiting)
    assert recordings_expire(now=timezone.now()) is False
    assert files(folder) == [fresh(young).recording_name]
    keep(organization, None)
    recordings_expire(now=timezone.now() + timedelta(days=20))
    assert files(folder) == [young.recording_name], "the hub keeps them 30 days"
    recordings_expire(now=timezone.now() + timedelta(days=25))
    assert files(folder) == []


def test_one_that_cannot_be_erased_holds_up_no_other(send, folder, organization, monkeypatch):
    stuck, other = aged(send(), days=40), aged(send(), days=35)
    for call in (stuck, other):
        settled(call)
    storage = type(storages["recordings"])
    delete = storage.delete

    def refuse(self, name):
        if name == stuck.recording_name:
            raise RuntimeError("bucket policy")
        delete(self, name)

    monkeypatch.setattr(storage, "delete", refuse)
    recordings_expire(now=timezone.now())
    assert files(folder) == [stuck.recording_name]
    assert fresh(stuck).recording_erased_at is None
    monkeypatch.undo()
    recordings_expire(now=timezone.now())
    assert fresh(stuck).recording_erased_at is not None


def test_two_schedulers_share_the_work(send, folder):
    call = aged(send(), days=40)
    settled(call)
    with owner_connection() as other, other.transaction():
        other.execute("SELECT id FROM jobs_call FOR UPDATE")
        recordings_expire(now=timezone.now())
        assert files(folder) == [call.recording_name], "the other one has it in hand"
    recordings_expire(now=timezone.now())
    assert files(folder) == []


def test_what_is_erased_before_its_analysis_fails_clearly(send, folder, httpserver):
    stored, elsewhere = send(), send(httpserver.url_for("/call.wav"))
    with tenancy.operator():
        for call in (stored, elsewhere):
            recording_erase(call_id=call.id, actor=ACTOR)
    assert files(folder) == []
    assert {settled(call) for call in (stored, elsewhere)} == {"recording_erased"}
    assert fresh(elsewhere).source_url == "", "the address may lead to the audio"
    assert httpserver.log == []


def test_what_is_erased_while_it_is_fetched_is_not_stored(send, folder, httpserver):
    call = send(httpserver.url_for("/call.wav"))

    def erase_meanwhile(request):
        with tenancy.operator():
            recording_erase(call_id=call.id, actor=ACTOR)
        connection.close()
        return Response(NOT_AUDIO)

    httpserver.expect_request("/call.wav").respond_with_handler(erase_meanwhile)
    with pytest.raises(JobFailure) as failure:
        recording_of(call)
    assert failure.value.code == "recording_erased"
    assert files(folder) == []
    assert fresh(call).recording_name == ""


# --- Orphans ----------------------------------------------------------------------


def test_files_that_no_call_owns_are_swept_after_a_day(send, folder):
    owned = send()
    orphan, second, young = (recording_save(call_id=id_, content=b"x") for id_ in (
        make_organization().id, owned.id, make_organization().id
    ))  # fmt: skip
    foreign = folder / orphan[:2] / f"{make_organization().id}.sealed"
    foreign.write_bytes(secrets.token_bytes(64))
    stranger = folder / "readme.txt"
    stranger.write_text("not ours")
    assert second != owned.recording_name
    for name in (owned.recording_name, orphan, second, str(foreign)):
        long_ago = time.time() - 2 * 86_400
        os.utime(folder / name, (long_ago, long_ago))
    assert orphans_sweep(now=timezone.now()) == 2
    assert files(folder) == sorted((owned.recording_name, young, str(foreign.relative_to(folder))))
    assert stranger.exists()
    assert orphans_sweep(now=timezone.now()) == 0


def test_a_commit_that_fails_leaves_a_file_and_no_call(partner, company, folder, monkeypatch):
    """The recording is stored before the commit: a crash between the two must not lose a call."""
    monkeypatch.setattr(
        "jobs.views.calls.estimated_time", lambda: transaction.get_connection().cursor().execute("SELECT 1/0")
    )
    body = {"audio_file": base64.b64encode(NOT_AUDIO).decode(), "company_id": str(company.id)}
    assert partner.post("/calls/analyze", body).status_code == 500
    with tenancy.operator():
        assert not Call.objects.exists()
    assert len(files(folder)) == 1
    assert orphans_sweep(now=timezone.now() + timedelta(days=2)) == 1
    assert files(folder) == []


# --- Traces -----------------------------------------------------------------------


def test_audio_is_in_no_row_and_no_log(partner, company, folder, shipped, settings, caplog):
    content = secrets.token_bytes(600)
    encoded = base64.b64encode(content).decode()
    traces = (encoded[:40], content[:12].hex())
    with caplog.at_level(logging.DEBUG):
        for audio in (encoded, f"data:audio/wav;base64,{encoded}", f"{encoded}!", f"https://{encoded}"):
            body = {"audio_file": audio, "company_id": str(company.id)}
            partner.post("/calls/analyze", body, headers={"Idempotency-Key": audio[-20:].strip("!=")})
        while job_work(queue="analysis"):
            pass
    assert caplog.records, "nothing was logged at all"
    assert not any(trace in record.getMessage() + str(record.__dict__) for trace in traces
                   for record in caplog.records)  # fmt: skip
    for file in (Path(settings.STATE_DIR) / "usage").glob("*"):
        assert not any(trace.encode() in file.read_bytes() for trace in traces)
    shipped()
    with owner_connection() as owner:
        tables = owner.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        assert ("partner_api_requests",) in tables
        assert owner.execute("SELECT count(*) FROM partner_api_requests").fetchone() != (0,)
        for (table,) in tables:
            for trace in traces:
                query = f'SELECT count(*) FROM "{table}" row WHERE row::text LIKE %s'
                assert owner.execute(query, [f"%{trace}%"]).fetchone() == (0,), table
    assert all(content[:12] not in (folder / name).read_bytes() for name in files(folder))
    assert (folder / files(folder)[0]).stat().st_mode & 0o077 == 0
