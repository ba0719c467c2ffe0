"""`hub requests` and `hub deliveries`."""

import json
import signal
import threading

from django.db import connection

from config import tenancy
from credentials.usage import spool_ship
from partners.models import AuditEntry
from tests.command_line.hub import process
from tests.credentials.test_usage_rollups import line, ship, spooled
from tests.factories import make_key
from tests.webhooks.rows import make_callback
from webhooks.models import Delivery


def requests_of(key, tmp_path):
    ship(
        tmp_path,
        [
            line(key, path="/api/a", request_id="first-of-them"),
            line(
                key, path="/api/b", response_status=404, error_code="NOT_FOUND", request_id="second-of-them"
            ),
            line(None, path="/api/b", method="POST", response_status=401, error_code="UNAUTHORIZED"),
        ],
    )


def test_requests_are_tailed_by_what_they_were(hub, tmp_path, organization):
    key = make_key(organization).key
    requests_of(key, tmp_path)
    everything = hub("requests", "tail", "--json").lines
    assert {row["status"] for row in everything} == {200, 404, 401}
    for narrowed, statuses in {
        ("--status", "404"): {404},
        ("--status", "4xx"): {404, 401},
        ("--key", key.key_id): {200, 404},
        ("--path", "/api/b"): {404, 401},
        ("--path", "/api/b", "--method", "post"): {401},
        ("--organization", organization.slug, "--status", "4xx"): {404},
        ("--environment", "production"): set(),
    }.items():
        found = hub("requests", "tail", *narrowed, "--json").lines
        assert {row["status"] for row in found} == statuses, narrowed
    assert len(hub("requests", "tail", "--limit", "1", "--json").lines) == 1
    table = hub("requests", "tail").out
    assert "second-of-them" in table
    assert "NOT_FOUND" in table
    assert "There is no such request." in hub("requests", "tail", "--path", "/nowhere").out
    assert hub("requests", "tail", "--status", "teapot").code == 2
    assert hub("requests", "tail", "--key", "pk_sandbox_nobodyhasit1").code == 1


def lines_of(run):
    """Its lines as they come."""
    for text in run.stdout:
        yield json.loads(text)


def ended(run):
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=120)
    return run.returncode, err


def test_followed_requests_come_once_each_until_ctrl_c(tmp_path, organization):
    key = make_key(organization).key
    ship(tmp_path, [line(key, path="/api/first")])
    run = process("requests", "tail", "--follow", "--key", key.key_id, "--json")
    watchdog = threading.Timer(100, run.kill)
    watchdog.start()
    try:
        coming = lines_of(run)
        assert next(coming)["path"] == "/api/first"
        connection.close()
        from_now_on(tmp_path, [(key, f"/api/{number}") for number in range(3)])
        assert {next(coming)["path"] for _ in range(3)} == {"/api/0", "/api/1", "/api/2"}
        from_now_on(tmp_path, [(key, "/api/last")])
        assert next(coming)["path"] == "/api/last"
        assert ended(run) == (0, "")
    finally:
        watchdog.cancel()
        run.kill()


def from_now_on(directory, requests):
    from_now = [line(key, created_at=moment(), path=path) for key, path in requests]
    spooled(directory, from_now)
    spool_ship(directory)


def moment():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def test_deliveries_are_tailed_shown_and_sent_again(hub, organization):
    failed = make_callback("https://acme.example/1", status="FAILED", attempt_count=3, last_error="timed out")
    make_callback("https://acme.example/2")
    listed = hub("deliveries", "tail", "--json").lines
    assert [row["status"] for row in listed] == ["FAILED", "PENDING"]
    (only,) = hub("deliveries", "tail", "--status", "failed", "--json").lines
    assert (only["id"], only["url"]) == (str(failed.id), "https://acme.example/1")
    assert hub("deliveries", "tail", "--event", "lead.created", "--json").lines == []
    assert "timed out" in hub("deliveries", "tail").out
    assert hub("deliveries", "tail", "--status", "lost").code == 2

    shown = hub("deliveries", "show", failed.id, "--json").json
    assert (shown["status"], shown["attempts"], shown["payload"]["job_id"][:1] != "") == ("FAILED", [], True)
    assert "It was not tried yet." in hub("deliveries", "show", failed.id).out

    sent = hub("deliveries", "resend", failed.id, "--json")
    assert [row["status"] for row in sent.json["data"]] == ["RETRYING"]
    with tenancy.operator():
        assert Delivery.objects.get(id=failed.id).max_attempts == 4
        entry = AuditEntry.objects.get(action="delivery.resent")
    assert (entry.target_id, entry.actor[:12]) == (str(failed.id), "hub (shell: ")


def test_of_several_deliveries_all_are_sent_again_or_none(hub, organization):
    failed = make_callback("https://acme.example/1", status="FAILED")
    unknown = "01900000-0000-7000-8000-000000000000"
    refused = hub("deliveries", "resend", failed.id, unknown)
    assert (refused.code, unknown in refused.err) == (1, True)
    with tenancy.operator():
        assert Delivery.objects.get(id=failed.id).status == "FAILED"
        assert not AuditEntry.objects.filter(action="delivery.resent").exists()
    assert hub("deliveries", "show", "nonsense").code == 1


def test_followed_deliveries_are_told_again_when_they_move_on(organization):
    first = make_callback("https://acme.example/1")
    run = process("deliveries", "tail", "--follow", "--limit", 1, "--json")
    watchdog = threading.Timer(100, run.kill)
    watchdog.start()
    try:
        coming = lines_of(run)
        assert next(coming)["status"] == "PENDING"
        with tenancy.operator():
            Delivery.objects.filter(id=first.id).update(status="DELIVERED", attempt_count=1)
        moved = next(coming)
        assert (moved["id"], moved["status"]) == (str(first.id), "DELIVERED")
        assert ended(run) == (0, "")
    finally:
        watchdog.cancel()
        run.kill()
