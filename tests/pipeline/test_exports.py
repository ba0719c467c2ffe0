"""Files of leads and policies: written by a job, sealed, fetched at a signed address, removed later."""

import csv
import io
import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.core.files.storage import storages
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config import tenancy
from jobs.models import Job
from partners.models import AuditEntry
from pipeline import export_files, selectors
from pipeline.models import Export
from pipeline.services.exports import exports_remove
from tests.engine import job_work
from tests.factories import make_company, make_key
from tests.people import browser, make_member
from tests.pipeline.walking import Seller


def written(seller, noun="leads", **body):
    """An export whose job has run."""
    asked = seller.send(f"/{noun}/exports", body)
    assert asked.status_code == 202, asked.content.decode()
    assert asked.json()["status"] == "queued"
    assert asked.json()["downloadUrl"] is None
    assert job_work(queue="default")
    return seller.fresh(f"{noun}/exports", asked.json())


def fetched(export):
    answer = Client().get(urlsplit(export["downloadUrl"]).path)
    assert answer.status_code == 200
    assert int(answer["Content-Length"]) == export["sizeBytes"]
    return b"".join(answer.streaming_content)


def files():
    return [name for _export, name, _at in export_files.exports_stored()]


def test_leads_come_as_csv_that_no_spreadsheet_runs(seller, monkeypatch):
    monkeypatch.setattr(selectors, "LOT", 2)
    for name in ("=1+1", "@SUM(A1)", "+1", "Ada", "שרה"):
        seller.lead(name=name, tags=["vip", "fair"], customFields={"seats": 1})
    seller.done(f"/leads/{seller.lead(name='Gone')['id']}/reject", {"reason": "no budget"})
    export = written(seller, format="csv", filters={"status": "new"})
    assert (export["status"], export["rows"], export["progress"]) == ("completed", 5, 100)
    content = fetched(export)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=1+1", "'@SUM(A1)", "'+1", "Ada", "שרה"]
    assert (rows[0]["tags"], json.loads(rows[0]["customFields"])) == ("vip, fair", {"seats": 1})


def test_policies_come_as_json_lines_as_the_api_shows_them(seller):
    policies = [seller.policy() for _ in range(2)]
    export = written(seller, "policies", format="jsonl")
    lines = fetched(export).splitlines()
    assert [json.loads(line) for line in lines] == policies


def test_the_file_is_sealed_in_pieces_and_a_changed_one_is_refused(seller, monkeypatch):
    monkeypatch.setattr(export_files, "_PIECE_BYTES", 100)
    for _ in range(3):
        seller.lead(name="Ada Lovelace")
    export = written(seller, format="jsonl")
    (name,) = files()
    with storages["exports"].open(name) as file:
        sealed = file.read()
    assert b"Ada" not in sealed
    assert fetched(export).count(b"Ada Lovelace") == 3
    size = int.from_bytes(sealed[:4], "big") + 4
    for changed in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:size], sealed[size:]):
        storages["exports"].delete(name)
        storages["exports"].save(name, io.BytesIO(changed))
        with pytest.raises(ValueError, match="cannot be opened"), tenancy.operator():
            list(export_files.export_read(Export.objects.get().id, name))


def test_the_address_works_for_an_hour_and_the_file_stays_for_a_time(seller):
    seller.lead()
    export = written(seller)
    path = urlsplit(export["downloadUrl"]).path
    stranger = Client()
    for wrong in (path[:-1], "/exports/x", path.replace("/exports/", "/exports/0")):
        assert stranger.get(wrong).status_code == 404
    assert stranger.post(path).status_code == 405
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.EXPORT_LINK_VALID_S + 5)):
        assert stranger.get(path).status_code == 404
    fetched(export)
    later = timezone.now() + timedelta(hours=settings.EXPORT_RETENTION_HOURS, seconds=1)
    assert (exports_remove(now=timezone.now()), exports_remove(now=later)) == (0, 1)
    assert files() == []
    assert stranger.get(path).status_code == 410
    assert seller.fresh("leads/exports", export)["status"] == "removed"
    with tenancy.operator():
        acts = AuditEntry.objects.filter(target_type="export").order_by("sequence")
        assert [act.action for act in acts] == ["export.create", "export.download"]


def test_a_file_that_no_export_owns_is_swept_once_it_is_old(seller):
    seller.lead()
    export = written(seller)
    with transaction.atomic(), tenancy.operator():
        Export.objects.update(file_name="", expires_at=None, completed_at=None)
    assert exports_remove(now=timezone.now()) == 0
    assert len(files()) == 1
    assert exports_remove(now=timezone.now() + timedelta(days=2)) == 1
    assert files() == []
    assert export["rows"] == 1


def test_a_job_that_runs_twice_keeps_one_file(seller):
    seller.lead()
    export = written(seller)
    with tenancy.operator():
        Job.objects.update(status="queued", completed_at=None, due_at=timezone.now())
    assert job_work(queue="default")
    assert len(files()) == 1
    fetched(export)


def test_what_is_not_valid_is_refused_and_no_job_is_made(seller, stranger, organization):
    for body, field in (
        ({"format": "xlsx"}, "format"),
        ({"filters": {"status": "none"}}, "status"),
        ({"filters": {"dateFrom": "yesterday"}}, "dateFrom"),
    ):
        refused = seller.send("/leads/exports", body)
        assert (refused.status_code, field in str(refused.json()["details"])) == (400, True)
    for scope, noun in (("policies:read", "leads"), ("leads:read", "policies")):
        reader = Seller(make_key(organization, scopes=[scope]))
        assert reader.send(f"/{noun}/exports").status_code == 403
    with tenancy.operator():
        assert Job.objects.count() == Export.objects.count() == 0
    mine = seller.done("/leads/exports", {})
    assert stranger.get(f"/leads/exports/{mine['id']}").status_code == 404
    assert seller.get(f"/policies/exports/{mine['id']}").status_code == 404
    assert stranger.get("/leads/exports").json()["data"] == []


def test_a_bound_key_gets_its_companys_only(seller, organization):
    company = make_company(organization)
    seller.lead(name="Mine", companyId=str(company.id))
    seller.lead(name="Theirs")
    bound = Seller(make_key(organization, company_id=company.id))
    lines = fetched(written(bound, format="jsonl")).splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Mine"]
    everything = seller.done("/leads/exports", {})
    assert bound.get(f"/leads/exports/{everything['id']}").status_code == 404


def test_managers_ask_for_files_in_the_dashboard_and_members_do_not(seller, organization):
    seller.lead(name="Ada")
    page = reverse("dashboard-pipeline-exports")
    manager = browser(make_member("manager", organization))
    form = {"kind": "leads", "file_format": "csv", "environment": "sandbox"}
    assert manager.post(page, form | {"status": "active"}).status_code == 422
    assert manager.post(page, form).status_code == 302
    assert job_work(queue="default")
    assert "Download" in manager.get(page).content.decode()
    member = browser(make_member("member", organization))
    assert (member.get(page).status_code, member.post(page, form).status_code) == (403, 403)
    with tenancy.operator():
        assert Export.objects.get().row_count == 1
