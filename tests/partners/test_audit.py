"""The audit trail: append-only, chained, exported."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection

from config import tenancy
from partners.models import AuditEntry
from partners.services.audit import Actor, audit_record
from tests.conftest import owner_connection
from tests.factories import make_key, make_organization


def record(organization, action="tested", **given):
    with tenancy.operator():
        return audit_record(
            actor=Actor("tests"),
            action=action,
            target=organization,
            organization_id=organization.id,
            **given,
        )


def verify():
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


@pytest.fixture
def chain(organization):
    for number in range(4):
        record(organization, after={"number": number})
    return organization


def test_each_organizations_entries_are_numbered_and_the_chain_holds(chain):
    make_key(make_organization())
    with tenancy.operator():
        numbers = list(
            AuditEntry.objects.filter(organization=chain)
            .order_by("sequence")
            .values_list("sequence", flat=True)
        )
    assert numbers == [1, 2, 3, 4, 5]
    assert "BROKEN" not in verify()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE partners_auditentry SET actor = 'somebody' WHERE sequence = 3",
        "UPDATE partners_auditentry SET after = '{}' WHERE sequence = 2",
        "UPDATE partners_auditentry SET created_at = now() - interval '1 year' WHERE sequence = 4",
        "DELETE FROM partners_auditentry WHERE sequence = 1",
        "DELETE FROM partners_auditentry WHERE sequence = 3",
        "DELETE FROM partners_auditentry WHERE sequence = 3;"
        " UPDATE partners_auditentry SET sequence = sequence - 1 WHERE sequence > 3",
    ],
)
def test_tampering_shows_even_by_the_owner(chain, tampering):
    with owner_connection() as owner:
        owner.execute(tampering)
    with pytest.raises(CommandError, match="tampered"):
        verify()


def test_the_application_can_only_append(chain):
    for statement in (
        "UPDATE partners_auditentry SET actor = 'x'",
        "DELETE FROM partners_auditentry",
        "TRUNCATE partners_auditentry",
        "ALTER TABLE partners_auditentry DISABLE TRIGGER ALL",
    ):
        with pytest.raises(ProgrammingError) as refused, tenancy.operator(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
    assert "BROKEN" not in verify()


def test_simultaneous_entries_make_one_chain(organization):
    def write(number):
        try:
            record(organization, after={"number": number})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    assert "25 entries" in " ".join(verify().split())


def test_a_rolled_back_act_leaves_no_gap(chain):
    def fail():
        with tenancy.operator():
            record(chain)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    record(chain)
    assert "BROKEN" not in verify()


def test_exports_hold_every_entry_and_no_formula(chain, admin_client):
    record(chain, action="=HYPERLINK(1)")
    answer = admin_client.get("/dashboard/audit/download")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    mine = [row for row in rows if row["organization"] == chain.slug]
    assert len(mine) == 6
    assert mine[-1]["action"] == "'=HYPERLINK(1)"
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    lines = admin_client.get("/dashboard/audit/download", {"format": "jsonl"}).content.splitlines()
    assert len(lines) == len(rows)
    assert json.loads(lines[-1])["action"] == "=HYPERLINK(1)"


def test_exports_are_for_super_admins(client, chain):
    assert client.get("/dashboard/audit/download").status_code == 302
