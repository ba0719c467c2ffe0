"""examples/analyze_call.*, as a partner runs them against a running hub."""

import hashlib
import hmac
import os
import subprocess
import sys
import threading

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config import tenancy
from jobs.models import Job
from jobs.services.settling import job_settle
from tests.engine import job_claim
from tests.factories import make_company
from tests.jobs.test_documents import results, said
from tests.processes import Web
from tests.programs import program

EXAMPLES = settings.BASE_DIR / "examples"
RECORDING = settings.BASE_DIR / "tests" / "data" / "audio" / "goforward.wav"


def command(language):
    return {
        "python": lambda: [sys.executable, str(EXAMPLES / "analyze_call.py")],
        "node": lambda: [program("node"), str(EXAMPLES / "analyze_call.mjs")],
        "php": lambda: [program("php"), str(EXAMPLES / "analyze_call.php")],
        "curl": lambda: [program("curl") and "sh", str(EXAMPLES / "analyze_call.sh")],
    }[language]()


@pytest.fixture(scope="module")
def hub(django_db_setup):
    with Web() as web:
        yield web.url


@pytest.fixture
def analysts():
    """Settles whatever is sent in, as a worker would after its analysis."""
    done = threading.Event()

    def settle():
        while not done.wait(0.1):
            if job := job_claim(queue="analysis", now=timezone.now()):
                found = results(said("agent", 0.5, "Good morning, thank you for calling."))
                job_settle(job=job, results=found)
        connection.close()

    thread = threading.Thread(target=settle)
    thread.start()
    yield
    done.set()
    thread.join()


@pytest.mark.parametrize("language", ["python", "node", "php", "curl"])
def test_an_example_sends_a_call_in_and_prints_what_was_found(language, hub, analysts, partner, organization):
    given = {
        "HUB_URL": hub,
        "HUB_KEY": partner.issued.raw,
        "HUB_COMPANY_ID": str(make_company(organization).id),
    }
    run = [*command(language), str(RECORDING)]
    for _ in range(2):
        ended = subprocess.run(run, env=os.environ | given, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr
        assert "score: 7.4" in ended.stdout
        assert "Good morning, thank you for calling." in ended.stdout.replace("\n", " ")
    with tenancy.operator():
        assert Job.objects.count() == 1, "the second run repeats the first one's key"
    stranger = os.environ | given | {"HUB_KEY": "pk_sandbox_x.sk_x"}
    refused = subprocess.run(run, env=stranger, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0
    assert "UNAUTHORIZED" in refused.stdout + refused.stderr


def test_the_shell_example_verifies_a_callback(tmp_path):
    body = tmp_path / "body.json"
    body.write_bytes('{"job_id":"7","name":"שלום"}'.encode())
    right = hmac.new(b"whsec_x", body.read_bytes(), hashlib.sha256).hexdigest()
    script = ["sh", str(EXAMPLES / "analyze_call.sh"), "--verify", str(body)]
    program("openssl")

    def verify(signature):
        return subprocess.run(
            [*script, signature], env=os.environ | {"HUB_WEBHOOK_SECRET": "whsec_x"}, capture_output=True
        ).returncode

    assert (verify(right), verify("0" * 64)) == (0, 1)
