"""The server refuses to start when its login could bypass the policies, or with a default secret."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from config import tenancy

WSGI = "import config.wsgi"


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        check=False,
    )


def test_the_application_role_is_confined():
    assert tenancy.unconfined_reasons() == []


def test_the_web_does_not_start_as_the_owner():
    run = python(WSGI, DATABASE_URL=os.environ["DATABASE_OWNER_URL"])
    assert run.returncode != 0
    assert "owns table" in run.stderr


def test_the_web_process_knows_the_tasks():
    code = "import config.wsgi; from celery import current_app; print('jobs.run' in current_app.tasks)"
    run = python(code)
    assert run.stdout.strip() == "True", run.stderr[-800:]


def test_the_web_process_imports_no_analysis_model():
    code = "import config.wsgi, config.urls, sys; print('faster_whisper' in sys.modules, 'av' in sys.modules)"
    run = python(code)
    assert run.stdout.strip() == "False False", run.stderr[-800:]


@pytest.mark.parametrize("name", ["SECRET_KEY", "CREDENTIAL_HASH_KEY", "WEBHOOK_SECRET"])
def test_production_refuses_a_default_secret(name):
    strong = {
        other: f"{other}-3f9a7c1e5b8d2046a1c3e5f7092b4d6e"
        for other in ("SECRET_KEY", "CREDENTIAL_HASH_KEY", "FIELD_ENCRYPTION_KEY", "WEBHOOK_SECRET")
    }
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings.prod", **strong}
    code = "import django; django.setup()"
    assert python(code, **environment).returncode == 0
    run = python(code, **environment | {name: "change-me"})
    assert run.returncode != 0
    assert name in run.stderr


def test_every_setting_of_the_environment_is_described():
    text = (settings.BASE_DIR / ".env.example").read_text()
    described = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
    files = (settings.BASE_DIR / "config" / "settings").glob("*.py")
    asked = {n for file in files for n in re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", file.read_text())}
    assert asked - described == set()


def test_readiness_says_what_is_missing(client, monkeypatch):
    assert client.get("/readyz").json()["status"] == "ready"
    monkeypatch.setattr(tenancy, "unconfined_reasons", lambda: ["role x is a superuser"])
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "role x is a superuser"


def test_partitions_reach_into_the_coming_days():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'partner_api_requests'::regclass")
        assert cursor.fetchone()[0] >= 5
        cursor.execute("SELECT has_table_privilege('hub_partitioned_table', 'INSERT')")
        assert cursor.fetchone() == (False,)
