"""Contract B's SQL, as the owner runs it in psql."""

import os
import subprocess
from datetime import timedelta

import psycopg
import pytest
from django.db import ProgrammingError, connection
from django.test import Client
from django.utils import timezone

from credentials.secrets import secret_is_well_formed
from tests.conftest import owner_connection
from tests.factories import make_company, make_organization
from tests.programs import program

HEALTH = "/api/partner/v1/health"


def sql(statement, *values):
    with owner_connection() as owner:
        owner.execute("RESET hub.operator")
        return owner.execute(statement, values).fetchall()


def test_a_generated_key_works(organization):
    ((_, key_id, api_key, expires_at),) = sql(
        "SELECT * FROM generate_partner_api_key('CompanyX Call Center', 'sandbox', NULL, 30)"
    )
    assert api_key.startswith(f"{key_id}.sk_")
    assert secret_is_well_formed(api_key.split(".")[1])
    assert timedelta(days=29) < expires_at - timezone.now() < timedelta(days=31)
    answer = Client().get(HEALTH, headers={"x-partner-api-key": api_key})
    assert (answer.status_code, answer["X-RateLimit-Limit"]) == (200, "1000")


def test_many_generated_secrets_are_well_formed(organization):
    rows = sql("SELECT (generate_partner_api_key('P' || n)).api_key FROM generate_series(1, 30) n")
    assert all(secret_is_well_formed(row[0].split(".")[1]) for row in rows)
    assert len({row[0] for row in rows}) == 30


def test_a_company_decides_the_organization(organization):
    company = make_company(make_organization())
    ((api_key,),) = sql("SELECT api_key FROM generate_partner_api_key('Bound', 'sandbox', %s)", company.id)
    listed = Client().get("/api/partner/v1/companies", headers={"x-partner-api-key": api_key}).json()
    assert (listed["partner_access"], listed["total"]) == ("single_company", 1)
    with pytest.raises(psycopg.errors.RaiseException, match="several organizations"):
        sql("SELECT generate_partner_api_key('Whose?')")
    with pytest.raises(psycopg.errors.RaiseException, match="no company"):
        sql("SELECT generate_partner_api_key('X', 'production', %s)", company.id)


def test_usage_by_endpoint(partner, shipped):
    partner.get("/health")
    partner.get("/companies")
    partner.get("/companies", limit=0)
    shipped()
    now = timezone.now()
    rows = sql(
        "SELECT endpoint, method, total_requests, successful_requests, failed_requests"
        " FROM get_partner_api_usage(%s, %s, %s)",
        partner.issued.key.id,
        now - timedelta(hours=1),
        now + timedelta(hours=1),
    )
    assert rows == [
        ("/api/partner/v1/companies", "GET", 2, 1, 1),
        ("/api/partner/v1/health", "GET", 1, 1, 0),
    ]


# The context first, as docs/architecture.md says.
DOCUMENTED = """
SET hub.operator = 'on';
SELECT * FROM generate_partner_api_key('CompanyX Call Center', 'sandbox', NULL, 365);
SELECT partner_name, environment, status, last_used_at, created_at FROM partner_api_keys;
SELECT status, COUNT(*) FROM async_jobs WHERE created_at > NOW() - INTERVAL '24 hours' GROUP BY status;
SELECT webhook_url, http_status, attempt_number, success, error_message, created_at FROM webhook_logs
  WHERE async_job_id = '01890000-0000-7000-8000-000000000000' ORDER BY created_at;
SELECT endpoint, method, response_status, response_time_ms, created_at FROM partner_api_requests
  WHERE partner_api_key_id = (SELECT id FROM partner_api_keys LIMIT 1) ORDER BY created_at DESC LIMIT 100;
SELECT * FROM get_partner_api_usage((SELECT id FROM partner_api_keys LIMIT 1), NOW() - INTERVAL '7 days',
  NOW());
SELECT cleanup_partner_api_logs(90);
"""


def test_the_tables_and_functions_answer_in_psql_under_their_documented_names(organization):
    psql = program("psql")
    command = [
        psql,
        os.environ["DATABASE_OWNER_URL"],
        "--no-psqlrc",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        DOCUMENTED,
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    assert "CompanyX Call Center" in told.stdout


def test_clean_up_drops_whole_days():
    with owner_connection() as owner:
        owner.execute(
            "CREATE TABLE partner_api_requests_20200101 PARTITION OF partner_api_requests"
            " FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')"
        )
    assert sql("SELECT cleanup_partner_api_logs(90)") == [(1,)]
    assert sql("SELECT cleanup_partner_api_logs(90)") == [(0,)]
    with pytest.raises(psycopg.errors.RaiseException):
        sql("SELECT cleanup_partner_api_logs(0)")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT generate_partner_api_key('me')",
        "SELECT get_partner_api_usage(gen_random_uuid(), now(), now())",
        "SELECT cleanup_partner_api_logs(1)",
        "SELECT * FROM hub_secret",
    ],
)
def test_none_of_it_is_for_the_application_role(statement):
    with pytest.raises(ProgrammingError) as refused, connection.cursor() as cursor:
        cursor.execute(statement)
    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
