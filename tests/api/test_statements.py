"""A tenant's statement: prepared, alone in its transaction, held by row-level security."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError, connection, transaction

from config import statements, tenancy
from config.api.renderers import dumps
from config.row_inserts import RowInsert
from config.statements import Call, TenantStatement, pattern_containing, tenant_calls
from ledger.models import Transaction
from tests.conftest import owner_connection
from tests.factories import make_company, make_organization
from tests.processes import wait_until

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


@pytest.mark.parametrize("calls", [1, 3])
def test_a_connection_that_broke_is_not_used_again(calls):
    company = make_company(make_organization(), name="Northwind")
    given = (company.organization_id, "sandbox", [Call(COMPANIES, ["Northwind"])] * calls)
    connection.close()
    assert tenant_calls(*given)
    (broken,) = statements._warm
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [broken.info.backend_pid])
    connection.close()
    with pytest.raises(OperationalError):
        tenant_calls(*given)
    assert tenant_calls(*given)
    assert broken not in statements._warm


def terminate_a_sleeper():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        return cursor.fetchone()


@pytest.mark.parametrize("calls", [1, 3])
def test_a_connection_that_breaks_while_it_is_waited_for_is_an_error(calls):
    organization = make_organization()
    slow = TenantStatement("SELECT pg_sleep($1)", types=["int"])
    connection.close()
    assert COMPANIES.rows(organization.id, "sandbox", ["x"]) == []
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(tenant_calls, organization.id, "sandbox", [Call(slow, [30])] * calls)
        wait_until(terminate_a_sleeper, seconds=10, every=0.05)
        with pytest.raises(OperationalError):
            asked.result(timeout=10)


@pytest.mark.parametrize("calls", [1, 2])
def test_a_long_answer_and_a_long_question_arrive_whole(calls):
    echo = TenantStatement("SELECT $1 || n FROM generate_series(1, 5) n", types=["text"])
    text = "€" * 500_000
    answers = tenant_calls(make_organization().id, "sandbox", [Call(echo, [text])] * calls)
    assert answers == [[(f"{text}{number}",) for number in range(1, 6)]] * calls


def test_a_plan_that_is_kept_takes_an_index_while_the_table_is_small():
    """It would still read the whole table when there are a million rows."""
    company = make_company(make_organization(), name="Northwind")
    by_id = TenantStatement("SELECT name FROM partners_company WHERE id = $1", types=["uuid"])
    read_whole = TenantStatement(
        "SELECT pg_stat_get_xact_numscans('partners_company'::regclass)::int", types=()
    )
    with owner_connection() as owner:
        owner.execute("ANALYZE partners_company")
    calls = [Call(read_whole, ()), Call(by_id, [str(company.id)]), Call(read_whole, ())]
    before, found, after = tenant_calls(company.organization_id, "sandbox", calls)
    assert (found, after) == ([("Northwind",)], before)


def test_it_refuses_to_run_inside_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError):
        COMPANIES.rows(make_organization().id, "sandbox", ["x"])


TRANSACTION = RowInsert(Transaction)


def transaction_of(organization, key):
    world = {"organization_id": organization.id, "environment": "sandbox"}
    return TRANSACTION.call(Transaction(**world, kind="conversion", idempotency_key=key))


def test_calls_are_one_transaction_in_the_tenants_context():
    company = make_company(make_organization(), name="Northwind")
    named = Call(COMPANIES, ["Northwind"])
    mine = tenant_calls(company.organization_id, "sandbox", [named, named])
    assert [row[0] for rows in mine for row in rows] == [str(company.id)] * 2
    assert tenant_calls(make_organization().id, "sandbox", [named, named]) == [[], []]


@pytest.mark.parametrize("keys", [("same", "same"), ("one", "other")])
def test_what_a_constraint_refuses_at_once_or_at_the_commit_takes_back_all_of_them(keys):
    organization = make_organization()
    calls = [Call(COMPANIES, ["x"]), *(transaction_of(organization, key) for key in keys)]
    # the same key twice; or transactions without postings, which a deferred constraint finds
    with pytest.raises(IntegrityError, match="once" if keys[0] == keys[1] else "sum to zero"):
        tenant_calls(organization.id, "sandbox", calls)
    assert tenant_calls(organization.id, "sandbox", [Call(COMPANIES, ["x"])] * 2) == [[], []]
    with tenancy.tenant(organization.id):
        assert not Transaction.objects.exists()


def test_a_row_for_another_tenant_is_refused():
    other = make_organization()
    with pytest.raises(ProgrammingError, match="row-level security"):
        tenant_calls(make_organization().id, "sandbox", [transaction_of(other, "x"), Call(COMPANIES, ["x"])])
