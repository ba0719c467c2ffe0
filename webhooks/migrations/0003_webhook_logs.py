from django.db import migrations

from config.partitions import PartitionByDay
from config.row_security import AppendOnly, TenantTable

# The columns of contract B keep its names.
TABLE = """
CREATE TABLE webhook_logs (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    environment varchar(10) NOT NULL,
    delivery_id uuid NOT NULL,
    webhook_url varchar(2048) NOT NULL,
    http_status smallint,
    attempt_number integer NOT NULL,
    success boolean NOT NULL,
    error_message varchar(500) NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    async_job_id uuid,
    latency_ms double precision NOT NULL,
    error_code varchar(40) NOT NULL DEFAULT '',
    request_headers jsonb NOT NULL DEFAULT '{}',
    request_body text NOT NULL DEFAULT '',
    response_headers jsonb NOT NULL DEFAULT '{}',
    response_body text NOT NULL DEFAULT '',
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX webhook_logs_newest ON webhook_logs (organization_id, environment, created_at DESC, id DESC);
CREATE INDEX webhook_logs_delivery ON webhook_logs (delivery_id, created_at);
CREATE INDEX webhook_logs_job ON webhook_logs (async_job_id, created_at) WHERE async_job_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    """The log of attempts, partitioned by day and append-only."""

    dependencies = [("webhooks", "0002_row_security")]

    operations = [
        migrations.RunSQL(TABLE, reverse_sql="DROP TABLE webhook_logs"),
        TenantTable("webhook_logs", key=False),
        PartitionByDay("webhook_logs"),
        AppendOnly("webhook_logs"),
    ]
