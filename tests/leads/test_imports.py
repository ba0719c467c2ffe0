"""A CSV file becomes leads: looked at, mapped, taken in once whatever happens, its refused rows fetched."""

import csv
import io
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from config import tenancy
from jobs.models import Job
from leads import lead_import
from leads.csv_files import MAX_BYTES, columns_guess, minor_read, shape_of
from leads.models import Lead, LeadImport
from leads.services import imports
from partners.models import AuditEntry
from tests.engine import job_work
from tests.factories import make_agent, make_company, make_organization
from tests.pages.test_content_policy import check
from tests.people import browser, make_member
from webhooks.models import Event

IMPORTS = reverse("dashboard-lead-imports")
FILE = "\ufeff" + "\r\n".join(
    [
        "Full name;E-mail;Phone;Amount;Tags;Company;Owner e-mail;Floor",
        'Ada "Countess" Lovelace;ada@a.example;050-123-4567;1.250,5;vip|fair;Northwind;sarah@n.example;2',
        "Beth;beth@a.example;;90;;;;",
        "",
        "=1+1;nonsense;;;;;;",
        'Twin;;"+972501234567";;;;;',
        "Stranger;s@a.example;;;;Elsewhere;;",
        "Wide;w@a.example;;;;;;;too;many",
        "Dear;d@a.example;;a lot;;;;",
    ]
)


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


def upload(person, content, name="fair.csv"):
    data = content.encode() if isinstance(content, str) else content
    return person.post(IMPORTS, {"file": SimpleUploadedFile(name, data), "environment": "sandbox"})


def uploaded(person, content):
    answer = upload(person, content)
    assert answer.status_code == 302, answer.content.decode()
    with tenancy.operator():
        return LeadImport.objects.get(id=answer["Location"].rsplit("/", 1)[1])


def url(found):
    return reverse("dashboard-lead-import", args=[found.id])


def start(person, found, **given):
    form = {name: str(place) for name, place in found.columns.items()} | {"start": "1"} | given
    answer = person.post(url(found), form)
    assert answer.status_code == 302, answer.content.decode()


def fresh(found):
    with tenancy.operator():
        return LeadImport.objects.select_related("job").get(id=found.id)


def leads():
    with tenancy.operator():
        return list(Lead.objects.order_by("created_at", "id"))


def test_a_file_is_looked_at_mapped_imported_and_its_refused_rows_fetched(manager, organization):
    company = make_company(organization)
    agent = make_agent(company, email="Sarah@n.example")
    found = uploaded(manager, FILE)
    assert (found.delimiter, found.total_rows, found.file_name) == (";", 7, "fair.csv")
    assert found.columns == {
        "name": 0, "email": 1, "phone": 2, "value": 3, "tags": 4, "company": 5, "agent": 6,
    }  # fmt: skip
    page = manager.get(url(found)).content.decode()
    check(page)
    assert "This is not an amount." in page
    assert "There is no such company" in page
    assert leads() == []
    assert manager.post(url(found), {"name": "0"}).status_code == 422

    start(manager, found, keeps_others="on")
    assert "Waiting for a worker" in manager.get(url(found)).content.decode()
    assert job_work(queue="default")
    done = fresh(found)
    assert (done.job.status, done.job.progress, bytes(done.content)) == ("completed", 100, b"")
    assert done.job.results == {"rows": 7, "created": 3, "duplicates": 1, "refused": 4}
    ada, beth, twin = leads()
    assert (ada.name, ada.phone_normalized, ada.tags) == (
        'Ada "Countess" Lovelace', "+972501234567", ["vip", "fair"],
    )  # fmt: skip
    assert (ada.value_minor, ada.currency, ada.custom_fields) == (125_050, "ILS", {"Floor": "2"})
    assert (ada.company_id, ada.agent_id) == (company.id, agent.id)
    assert (beth.value_minor, beth.custom_fields) == (9_000, {})
    assert twin.duplicate_of_id == ada.id
    with tenancy.operator():
        assert Event.objects.filter(type="lead.created").count() == 3
        assert AuditEntry.objects.filter(action="lead_import.start", target_id=found.id).count() == 1

    page = manager.get(url(found)).content.decode()
    check(page)
    assert "hx-get" not in page
    file = manager.get(reverse("dashboard-lead-import-refused", args=[found.id])).content
    header, *rows = csv.reader(io.StringIO(file.decode("utf-8-sig")))
    assert header[-2:] == ["row", "reason"]
    assert [row[-2] for row in rows] == ["5", "7", "8", "9"]
    # no spreadsheet may take it for a formula
    assert rows[0][0] == "'=1+1"
    assert "email: " in rows[0][-1]


def test_a_worker_that_dies_between_lots_leaves_nothing_out_and_nothing_twice(
    manager, organization, monkeypatch
):
    monkeypatch.setattr(lead_import, "LOT", 10)
    rows = [f"Lead {n},{n}@a.example" if n % 7 else f"Lead {n},nonsense" for n in range(35)]
    found = uploaded(manager, "name,email\n" + "\n".join(rows))
    start(manager, found)
    take = lead_import.lot_import

    deaths = {10: "before its commit", 20: "behind it"}

    def die(*, after, **given):
        death = deaths.pop(after, "")
        if death == "before its commit":
            with transaction.atomic():
                take(after=after, **given)
                raise ConnectionError
        made = take(after=after, **given)
        if death:
            transaction.on_commit(die_now)
        return made

    monkeypatch.setattr(lead_import, "lot_import", die)
    for done_rows in (10, 30, 35):
        with tenancy.operator():
            Job.objects.update(due_at=timezone.now())
        assert job_work(queue="default")
        assert fresh(found).done_rows == done_rows
    done = fresh(found)
    assert (done.job.status, done.job.attempt_count) == ("completed", 3)
    assert (done.created_count, done.refused_count) == (30, 5)
    assert [lead.name for lead in leads()] == [f"Lead {n}" for n in range(35) if n % 7]
    with tenancy.operator():
        assert [row.number for row in done.refused.order_by("number")] == [2, 9, 16, 23, 30]


def die_now():
    raise ConnectionError


def test_two_workers_on_one_file_take_each_row_once(manager, organization):
    found = uploaded(manager, "name,email\nAda,ada@a.example\nBeth,beth@a.example\n")
    with tenancy.operator():
        rows = list(imports_rows(found))
        imports.lot_import(import_id=found.id, rows=rows[:1], after=0)
    with tenancy.operator(), pytest.raises(imports.RowsTaken):
        imports.lot_import(import_id=found.id, rows=rows[:1], after=0)
    assert [lead.name for lead in leads()] == ["Ada"]


def imports_rows(found):
    return lead_import.rows_read(bytes(found.content), delimiter=",", width=2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"name,email\n", "lines below it"),
        (b"\n\nx,y", "line of column names"),
        ("name,email\nשלום,a@a.example".encode("cp1255"), "not UTF-8"),
        ("name,email\nAda,a@a.example".encode("utf-16"), "not a text file"),
        (b"name,email\n" + b"x" * 200_000, "not CSV"),
        (b"name,email\nAda,a@a.example\n" + b"x" * MAX_BYTES, "larger than 10 MB"),
        (b",".join(b"c%d" % n for n in range(201)) + b"\n1", "columns"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_is_not_kept(manager, content, said):
    answer = upload(manager, content)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    with tenancy.operator():
        assert not LeadImport.objects.exists()


def test_a_file_begins_once_and_a_draft_gives_way(manager, organization):
    first = uploaded(manager, "name,email\nAda,ada@a.example\n")
    second = uploaded(manager, "name,email\nBeth,beth@a.example\n")
    assert manager.get(url(first)).status_code == 404
    start(manager, second)
    manager.post(url(second), {"start": "1", "name": "0", "email": "1"})
    manager.post(reverse("dashboard-lead-import-discard", args=[second.id]))
    assert fresh(second).total_rows == 1
    with tenancy.operator():
        assert Job.objects.count() == 1
    third = uploaded(manager, "name,email\nBeth,beth@a.example\n")
    manager.post(reverse("dashboard-lead-import-discard", args=[third.id]))
    assert manager.get(url(third)).status_code == 404


def test_an_import_is_canceled_or_gone_on_with(manager, organization, monkeypatch):
    monkeypatch.setattr(lead_import, "LOT", 1)
    found = uploaded(manager, "name,email\nAda,ada@a.example\nBeth,beth@a.example\n")
    start(manager, found)
    change = reverse("dashboard-lead-import-change", args=[found.id])
    with tenancy.operator():
        rows = list(imports_rows(found))
        imports.lot_import(import_id=found.id, rows=rows[:1], after=0)
        Job.objects.update(status="failed", error={"code": "internal_error", "message": "It failed."})
    assert 'value="rerun"' in manager.get(url(found)).content.decode()
    manager.post(change, {"change": "rerun"})
    assert job_work(queue="default")
    assert fresh(found).job.status == "completed"
    manager.post(change, {"change": "cancel"})
    assert fresh(found).job.status == "completed"
    assert [lead.name for lead in leads()] == ["Ada", "Beth"]
    second = uploaded(manager, "name,email\nEve,eve@a.example\n")
    start(manager, second)
    assert 'value="cancel"' in manager.get(url(second)).content.decode()
    browser(make_member("member", organization)).post(
        reverse("dashboard-lead-import-change", args=[second.id]), {"change": "cancel"}
    )
    assert fresh(second).job.status == "queued"
    manager.post(reverse("dashboard-lead-import-change", args=[second.id]), {"change": "cancel"})
    assert (fresh(second).job.status, bytes(fresh(second).content)) == ("canceled", b"")
    assert not job_work(queue="default")
    check(manager.get(url(second)).content.decode())
    assert len(leads()) == 2


def test_members_and_others_stay_out(manager, organization):
    found = uploaded(manager, "name,email\nAda,ada@a.example\n")
    member, stranger = (
        browser(make_member("member", organization)),
        browser(make_member("owner", make_organization())),
    )
    assert upload(member, "name,email\nAda,a@a.example").status_code == 404
    assert member.get(url(found)).status_code == 404
    for path in (url(found), reverse("dashboard-lead-import-refused", args=[found.id])):
        assert stranger.get(path).status_code == 404
    stranger.post(url(found), {"start": "1", "name": "0", "email": "1"})
    assert fresh(found).job is None


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1,250.50", 125_050),
        ("1.250,5", 125_050),
        ("1250,5", 125_050),
        ("₪ 90", 9_000),
        ("1,250", 125_000),
        ("-3", -300),
    ],
)
def test_amounts_are_read_as_people_write_them(text, minor):
    assert minor_read(text, "ILS") == minor


@pytest.mark.parametrize("text", ["a lot", "1.005", "--1", ""])
def test_what_is_no_amount_is_not_guessed(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        minor_read(text, "ILS")


def test_headers_are_guessed_whatever_their_form():
    assert columns_guess(["E-Mail Address", "שם מלא", "Phone_Number", "x"]) == {
        "name": 1, "email": 0, "phone": 2,
    }  # fmt: skip
    assert shape_of(b'"a,b;c";"d"\n1;2').delimiter in ",;"
    assert json.dumps(columns_guess(["", ""])) == "{}"
