"""A tenant's statement: prepared, alone in its transaction, held by row-level security."""

import json

import pytest
from django.db import DataError, OperationalError, connection, transaction

from config import statements
from config.api.renderers import dumps
from config.statements import TenantStatement, pattern_containing
from tests.factories import make_company, make_organization

COMPANIES = TenantStatement(
    "SELECT id, name, created_at FROM partners_company WHERE name = $1", types=["text"]
)


def test_values_come_as_the_wire_writes_them():
    company = make_company(make_organization(), name="Northwind")
    ((identity, name, created_at),) = COMPANIES.rows(company.organization_id, "sandbox", ["Northwind"])
    assert (identity, name) == (str(company.id), "Northwind")
    assert created_at == company.created_at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("sql", "wire"),
    [
        ("TIMESTAMPTZ '2026-01-02 03:04:05.1200+00'", "2026-01-02T03:04:05.120000Z"),
        ("TIMESTAMPTZ '2026-01-02 03:04:05+02'", "2026-01-02T01:04:05Z"),
        ("DATE '2026-01-02'", "2026-01-02"),
        ("NULL::uuid", None),
        ("7::bigint", 7),
        ("true", True),
    ],
)
def test_types(sql, wire):
    statement = TenantStatement(f"SELECT {sql} WHERE $1 = 1", types=["int"])
    assert statement.rows(make_organization().id, "sandbox", [1]) == [(wire,)]


def test_a_document_goes_into_the_answer_as_it_stands():
    statement = TenantStatement("""SELECT '{"a": [1, "é"]}'::jsonb WHERE $1 = 1""", types=["int"])
    ((document,),) = statement.rows(make_organization().id, "sandbox", [1])
    assert json.loads(dumps([document])) == [{"a": [1, "é"]}]


def test_another_tenant_and_the_other_environment_see_nothing():
    company = make_company(make_organization(), name="Northwind")
    assert COMPANIES.rows(make_organization().id, "sandbox", ["Northwind"]) == []
    assert COMPANIES.rows(company.organization_id, "production", ["Northwind"]) == []


def test_the_context_ends_with_the_statement():
    company = make_company(make_organization(), name="Northwind")
    assert COMPANIES.rows(company.organization_id, "sandbox", ["Northwind"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM partners_company")
        assert cursor.fetchone() == (0,)


def test_a_failed_statement_leaves_the_connection_usable():
    numbers = TenantStatement("SELECT $1", types=["int"])
    organization = make_organization()
    with pytest.raises(DataError):
        numbers.rows(organization.id, "sandbox", ["no number"])
    assert numbers.rows(organization.id, "sandbox", ["8"]) == [(8,)]


@pytest.mark.parametrize("name", ["'; DROP TABLE leads_lead; --", "\\' OR true --", "a%b_c", "שלום"])
def test_values_are_only_values(name):
    company = make_company(make_organization(), name=name)
    assert [row[1] for row in COMPANIES.rows(company.organization_id, "sandbox", [name])] == [name]
    like = TenantStatement("SELECT name FROM partners_company WHERE name LIKE $1", types=["text"])
    assert like.rows(company.organization_id, "sandbox", [pattern_containing(name)]) == [(name,)]
    assert like.rows(company.organization_id, "sandbox", [pattern_containing("%")]) == (
        [(name,)] if "%" in name else []
    )


def test_a_connection_that_lost_or_already_has_the_statement_prepares_it_again():
    company = make_company(make_organization(), name="Northwind")
    given = (company.organization_id, "sandbox", ["Northwind"])
    connection.close()
    assert COMPANIES.rows(*given)
    (driver,) = statements._warm
    driver.pgconn.exec_(b"DEALLOCATE ALL")
    assert COMPANIES.rows(*given)
    driver.hub_prepared.clear()
    assert COMPANIES.rows(*given)


def test_a_connection_that_broke_is_not_used_again():
    company = make_company(make_organization(), name="Northwind")
    given = (company.organization_id, "sandbox", ["Northwind"])
    connection.close()
    assert COMPANIES.rows(*given)
    (broken,) = statements._warm
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [broken.info.backend_pid])
    connection.close()
    with pytest.raises(OperationalError):
        COMPANIES.rows(*given)
    assert COMPANIES.rows(*given)
    assert broken not in statements._warm


def test_it_refuses_to_run_inside_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError):
        COMPANIES.rows(make_organization().id, "sandbox", ["x"])
