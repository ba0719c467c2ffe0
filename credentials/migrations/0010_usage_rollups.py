from django.db import migrations

from config.row_security import TenantTable

# Hours and days have the same columns; a day starts at midnight UTC. A row belongs to one grain, and what its
# grain leaves out is empty (docs/usage.md). Requests of no organization are groups too, hence NULLS NOT
# DISTINCT. The latest rows are updated every second: the fill factor leaves room for that in place.
USAGE = """
CREATE TABLE {name} (
    organization_id uuid,
    grain varchar(12) NOT NULL CHECK (grain IN ('key', 'endpoint', 'key_endpoint')),
    starts_at timestamptz NOT NULL,
    environment varchar(10) NOT NULL,
    client_id uuid,
    key_id varchar(40) NOT NULL,
    endpoint varchar(200) NOT NULL,
    method varchar(10) NOT NULL,
    requests bigint NOT NULL,
    refused bigint NOT NULL,
    failed bigint NOT NULL,
    total_ms double precision NOT NULL,
    max_ms double precision NOT NULL,
    request_bytes bigint NOT NULL,
    response_bytes bigint NOT NULL,
    latency int[] CHECK ((latency IS NULL) = (grain = 'key_endpoint')),
    CONSTRAINT {name}_once UNIQUE NULLS NOT DISTINCT
        (organization_id, grain, starts_at, environment, client_id, key_id, endpoint, method)
) WITH (fillfactor = 80);
-- the default would unpack the array at each of its elements
ALTER TABLE {name} ALTER COLUMN latency SET STORAGE PLAIN;
CREATE INDEX {name}_starts_at ON {name} (grain, starts_at);
"""
ERRORS = """
CREATE TABLE {name} (
    organization_id uuid,
    grain varchar(12) NOT NULL CHECK (grain IN ('endpoint', 'key_endpoint')),
    starts_at timestamptz NOT NULL,
    environment varchar(10) NOT NULL,
    client_id uuid,
    key_id varchar(40) NOT NULL,
    endpoint varchar(200) NOT NULL,
    method varchar(10) NOT NULL,
    response_status smallint NOT NULL,
    error_code varchar(40) NOT NULL,
    requests bigint NOT NULL,
    CONSTRAINT {name}_once UNIQUE NULLS NOT DISTINCT
        (organization_id, grain, starts_at, environment, client_id, key_id, endpoint, method,
         response_status, error_code)
) WITH (fillfactor = 80);
CREATE INDEX {name}_starts_at ON {name} (grain, starts_at);
"""
TABLES = {
    "usage_hourly": USAGE,
    "usage_daily": USAGE,
    "usage_errors_hourly": ERRORS,
    "usage_errors_daily": ERRORS,
}

# The look-up of single requests walks one of these, newest first. What only errors are in costs only them: so
# there the walk finds a status, and what the policy asks, without the rows.
INDEXES = """
DROP INDEX partner_api_requests_organization, partner_api_requests_key;
CREATE INDEX partner_api_requests_organization ON partner_api_requests
    (organization_id, created_at DESC, id DESC);
CREATE INDEX partner_api_requests_key ON partner_api_requests (partner_api_key_id, created_at DESC, id DESC);
CREATE INDEX partner_api_requests_errors ON partner_api_requests
    (created_at DESC, id DESC, response_status) INCLUDE (organization_id, environment)
    WHERE response_status >= 400;
CREATE INDEX partner_api_requests_status ON partner_api_requests (response_status, created_at DESC, id DESC)
    WHERE response_status >= 400;
CREATE INDEX partner_api_requests_organization_errors ON partner_api_requests
    (organization_id, created_at DESC, id DESC, response_status) INCLUDE (environment)
    WHERE response_status >= 400;
CREATE INDEX partner_api_requests_key_errors ON partner_api_requests
    (partner_api_key_id, created_at DESC, id DESC, response_status) INCLUDE (organization_id, environment)
    WHERE response_status >= 400;
"""


class Migration(migrations.Migration):
    """Hourly and daily roll-ups of the request log, and the indexes that find single requests."""

    dependencies = [("credentials", "0009_admission_handover")]

    operations = [
        *(
            migrations.RunSQL(sql.format(name=name), reverse_sql=f"DROP TABLE {name}")
            for name, sql in TABLES.items()
        ),
        *(TenantTable(name, key=False) for name in TABLES),
        migrations.RunSQL(INDEXES, reverse_sql=migrations.RunSQL.noop),
    ]
