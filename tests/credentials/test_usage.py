"""The request log: every request, refused ones included, each once."""

from django.conf import settings
from django.test import Client

from config import tenancy
from credentials.models import ApiKey, RequestLog
from credentials.usage import Spool, spool_ship
from tests.factories import spool_append
from tests.partner import BASE
from tests.people import Caller, make_member


def rows(**found):
    with tenancy.operator():
        return list(RequestLog.objects.filter(**found).order_by("created_at").values())


def test_every_request_leaves_one_row(partner, shipped):
    partner.leads()
    partner.get("/leads")
    partner.get("/nowhere")
    shipped()
    seen = [
        (row["method"], row["endpoint"], row["response_status"], row["error_code"])
        for row in rows(key_id=partner.issued.key.key_id)
    ]
    assert seen == [
        ("GET", "/api/partner/v1/leads", 200, ""),
        ("GET", "/api/partner/v1/leads", 400, "VALIDATION_ERROR"),
        ("GET", "", 404, "NOT_FOUND"),
    ]


def test_a_row_knows_its_request(partner, shipped):
    answer = partner.get("/jobs/00000000-0000-7000-8000-000000000000/status")
    shipped()
    (row,) = rows(request_id=answer["X-Request-Id"])
    assert row["endpoint"] == "/api/partner/v1/jobs/{job_id}/status"
    assert row["path"].endswith("/jobs/00000000-0000-7000-8000-000000000000/status")
    assert str(row["organization_id"]) == partner.organization_id
    assert (row["ip"], row["environment"]) == ("127.0.0.1", "sandbox")
    assert row["response_time_ms"] > 0
    assert row["response_bytes"] == len(answer.content)


def test_requests_without_a_key_are_logged_for_operators_only(partner, shipped):
    answer = Client().get(f"{BASE}/health")
    shipped()
    (row,) = rows(request_id=answer["X-Request-Id"])
    assert (row["organization_id"], row["response_status"]) == (None, 401)
    with tenancy.tenant(partner.organization_id):
        assert not RequestLog.objects.filter(request_id=answer["X-Request-Id"]).exists()


def test_a_sane_request_id_is_kept_and_another_replaced(partner):
    kept = partner.get("/health", headers={"X-Request-Id": "abc-12345"})
    replaced = partner.get("/health", headers={"X-Request-Id": "no\tgood\x7f"})
    assert kept["X-Request-Id"] == "abc-12345"
    assert replaced["X-Request-Id"] != "no\tgood\x7f"


def test_last_use_is_kept_on_the_key(partner, shipped):
    partner.get("/health")
    shipped()
    with tenancy.operator():
        assert ApiKey.objects.get(id=partner.issued.key.id).last_used_at is not None


def test_a_file_shipped_twice_counts_once(partner, tmp_path):
    spool = Spool(tmp_path)
    spool_append(spool, _row("twice"))
    full = spool.rotate()
    lines = full.read_bytes()
    assert spool_ship(tmp_path) == 1
    (tmp_path / full.name).write_bytes(lines)
    spool_ship(tmp_path)
    assert len(rows(request_id="twice")) == 1


def test_a_dead_process_leaves_its_rows_to_the_living(tmp_path):
    dead = Spool(tmp_path)
    spool_append(dead, _row("orphan"))
    left = tmp_path / "99999999-1.rows"
    left.write_bytes(dead.rotate().rename(left).read_bytes() + b"0-torn\tin mid")
    spool = Spool(tmp_path)
    spool_append(spool, _row("mine"))
    spool_ship(tmp_path)
    assert len(rows(request_id="orphan")) == 1
    assert not left.exists()
    assert rows(request_id="mine") == [], "a live process's open file is its own"


def test_files_of_the_version_before_the_last_column_are_shipped(tmp_path):
    spool = Spool(tmp_path)
    spool_append(spool, _row("new"))
    spool_append(spool, _row("old"))
    full = spool.rotate()
    new, old = full.read_bytes().splitlines(keepends=True)
    without_person, _tab, person = old.rpartition(b"\t")
    assert person == b"\\N\n"
    too_short = without_person.rpartition(b"\t")[0].replace(b"old", b"torn")
    full.write_bytes(new + without_person + b"\n" + too_short + b"\n")
    assert spool_ship(tmp_path) == 2
    assert [row["user_id"] for name in ("new", "old") for row in rows(request_id=name)] == [None, None]
    assert rows(request_id="torn") == []
    assert not full.exists()


def test_a_request_by_access_token_names_its_person(organization, shipped):
    owner = make_member("owner", organization)
    called = Caller(owner)("get", "/api/v1/leads")
    guessed = Client(headers={"Authorization": "Bearer pat_nobodys"}).get("/api/v1/leads")
    shipped()
    assert (called.status_code, guessed.status_code) == (200, 401)
    (row,) = rows(request_id=called["X-Request-Id"])
    assert (row["user_id"], row["key_id"], row["organization_id"]) == (owner.pk, "", None)
    (row,) = rows(request_id=guessed["X-Request-Id"])
    assert row["user_id"] is None


def test_a_keys_request_names_nobody(partner, shipped):
    answer = partner.leads()
    shipped()
    (row,) = rows(request_id=answer["X-Request-Id"])
    assert (row["user_id"], row["key_id"]) == (None, partner.issued.key.key_id)


def test_the_log_holds_no_secret(partner, shipped):
    partner.get("/health", secret=partner.issued.secret)
    shipped()
    assert partner.issued.secret not in str(rows())


def test_the_spool_is_private():
    directory = settings.STATE_DIR / "usage"
    assert directory.stat().st_mode & 0o077 == 0


def test_what_a_path_holds_is_kept_as_it_is(partner, shipped):
    answer = partner.get("/no%09where%0A%5CN%5C")
    shipped()
    (row,) = rows(request_id=answer["X-Request-Id"])
    assert row["path"] == "/api/partner/v1/no\twhere\n\\N\\"


def _row(request_id):
    return (
        None,
        "",
        None,
        None,
        "",
        "GET",
        "/x",
        "/x",
        200,
        "",
        1.5,
        request_id,
        "127.0.0.1",
        0,
        2,
    )
