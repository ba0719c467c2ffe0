"""Workers are killed and Redis is emptied; calls are analysed all the same, once, and called back."""

import base64
import hashlib
import hmac
import json
import struct
import time

from django.conf import settings

from config import tenancy
from credentials.store import store
from jobs.models import Job
from partners.services.clients import webhook_secret_of
from tests.factories import make_company
from tests.faults.conftest import start
from tests.processes import scheduler, wait_until
from webhooks.models import Event

RECORDINGS = settings.BASE_DIR / "tests" / "data" / "audio"


def beginning(name, seconds):
    """A stereo recording's first seconds, 8000 bytes each and channel: most of a call's analysis is CPU."""
    whole = (RECORDINGS / f"{name}.wav").read_bytes()
    begin = whole.index(b"data") + 8
    size = seconds * 2 * 8000
    head = bytearray(whole[:begin])
    head[4:8] = struct.pack("<I", begin - 8 + size)
    head[-4:] = struct.pack("<I", size)
    return bytes(head) + whole[begin : begin + size]


def submit(partner, company, recording, **given):
    audio = base64.b64encode(recording).decode()
    body = {"audio_file": audio, "company_id": str(company.id), "call_type": "support"} | given
    answer = partner.post("/calls/analyze", body)
    assert answer.status_code == 202, answer.content
    return answer.json()["job_id"]


def job(job_id):
    with tenancy.operator():
        return Job.objects.get(id=job_id)


def test_a_killed_worker_loses_no_call(partner, organization, receiver, sweeping, workers):
    """The main job with a murder in the middle: taken up again within 60 s, done once."""
    company = make_company(organization)
    job_id = submit(partner, company, beginning("call_good_stereo_8k_ulaw", 16), webhook_url=receiver.url)
    first = start(workers, "analysis")
    wait_until(lambda: job(job_id).progress >= 12, seconds=60, every=0.05)
    first.kill()
    held = job(job_id)
    assert (held.status, held.attempt_count) == ("processing", 1), "it was killed in mid-analysis"

    start(workers, "analysis")
    start(workers, "default")
    wait_until(lambda: job(job_id).attempt_count == 2, seconds=60)
    wait_until(lambda: job(job_id).status == "completed", seconds=120)
    assert job(job_id).attempt_count == 2
    wait_until(lambda: receiver.received, seconds=20)
    time.sleep(3)

    (webhook,) = receiver.received
    body = json.loads(webhook.body)
    assert (webhook.id, webhook.attempt, body["status"]) == (job_id, 1, "completed")
    assert "thank you for calling" in body["results"]["transcript"]["text"].lower()
    secret = webhook_secret_of(partner.issued.key.client)
    signature = hmac.new(secret.encode(), webhook.body, hashlib.sha256).hexdigest()
    assert webhook.headers["x-partner-signature"] == signature
    with tenancy.operator():
        types = list(Event.objects.values_list("type", flat=True))
    assert sorted(types) == ["call.analyzed", "job.completed"]


def test_an_emptied_redis_loses_no_queued_call_and_two_schedulers_run_none_twice(
    partner, organization, receiver, workers
):
    company = make_company(organization)
    call = (RECORDINGS / "goforward.wav").read_bytes()
    jobs = [submit(partner, company, call, webhook_url=receiver.url) for _ in range(3)]
    store.flushdb()
    workers += [scheduler(), scheduler()]
    start(workers, "analysis", "default")
    start(workers, "default")
    wait_until(lambda: all(job(j).status == "completed" for j in jobs), seconds=120)
    wait_until(lambda: len(receiver.received) == 3, seconds=20)
    assert all(process.is_running() for process in workers)
    assert sorted(webhook.id for webhook in receiver.received) == sorted(jobs)
    assert [job(j).attempt_count for j in jobs] == [1, 1, 1]
    with tenancy.operator():
        types = list(Event.objects.values_list("type", flat=True))
    assert sorted(types) == ["call.analyzed"] * 3 + ["job.completed"] * 3
