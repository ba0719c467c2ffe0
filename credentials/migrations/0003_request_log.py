from django.db import migrations

from config.partitions import PartitionByDay
from config.row_security import AppendOnly, TenantTable

# The columns of contract B keep its names; `endpoint` is the route's template.
TABLE = """
CREATE TABLE partner_api_requests (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    organization_id uuid,
    environment varchar(10) NOT NULL DEFAULT '',
    client_id uuid,
    partner_api_key_id uuid,
    key_id varchar(40) NOT NULL DEFAULT '',
    method varchar(10) NOT NULL,
    endpoint varchar(200) NOT NULL,
    path varchar(500) NOT NULL,
    response_status smallint NOT NULL,
    error_code varchar(40) NOT NULL DEFAULT '',
    response_time_ms double precision NOT NULL,
    request_id varchar(128) NOT NULL,
    ip inet,
    request_bytes bigint NOT NULL DEFAULT 0,
    response_bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX partner_api_requests_organization ON partner_api_requests
    (organization_id, environment, created_at DESC, id DESC);
CREATE INDEX partner_api_requests_key ON partner_api_requests (partner_api_key_id, created_at DESC);
CREATE INDEX partner_api_requests_request_id ON partner_api_requests (request_id);
"""


class Migration(migrations.Migration):
    """The request log, partitioned by day and append-only."""

    dependencies = [("credentials", "0002_row_security")]

    operations = [
        migrations.RunSQL(TABLE, reverse_sql="DROP TABLE partner_api_requests"),
        TenantTable("partner_api_requests", key=False),
        PartitionByDay("partner_api_requests"),
        AppendOnly("partner_api_requests"),
    ]
