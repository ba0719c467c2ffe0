from django.db import migrations

from config.row_security import TenantTable

# Zones that are off by a part of an hour are counted from quarters of one; the columns are those of hours and
# days. By key and endpoint at once histograms are kept from now on: older rows have none.
QUARTERS = """
CREATE TABLE usage_quarter_hourly (LIKE usage_hourly INCLUDING STORAGE INCLUDING CONSTRAINTS) WITH (fillfactor = 80);
ALTER TABLE usage_quarter_hourly ADD CONSTRAINT usage_quarter_hourly_once UNIQUE NULLS NOT DISTINCT
    (organization_id, grain, starts_at, environment, client_id, key_id, endpoint, method);
CREATE INDEX usage_quarter_hourly_starts_at ON usage_quarter_hourly (grain, starts_at);
CREATE TABLE usage_errors_quarter_hourly (LIKE usage_errors_hourly INCLUDING CONSTRAINTS) WITH (fillfactor = 80);
ALTER TABLE usage_errors_quarter_hourly ADD CONSTRAINT usage_errors_quarter_hourly_once UNIQUE NULLS NOT DISTINCT
    (organization_id, grain, starts_at, environment, client_id, key_id, endpoint, method, response_status,
     error_code);
CREATE INDEX usage_errors_quarter_hourly_starts_at ON usage_errors_quarter_hourly (grain, starts_at);
"""
HISTOGRAMS = """
ALTER TABLE {name} DROP CONSTRAINT {name}_check;
ALTER TABLE {name} ADD CONSTRAINT {name}_histogram CHECK (latency IS NOT NULL OR grain = 'key_endpoint');
"""
NO_HISTOGRAMS = """
SET LOCAL hub.operator = 'on';
UPDATE {name} SET latency = NULL WHERE grain = 'key_endpoint';
ALTER TABLE {name} DROP CONSTRAINT {name}_histogram;
ALTER TABLE {name} ADD CONSTRAINT {name}_check CHECK ((latency IS NULL) = (grain = 'key_endpoint'));
"""
TABLES = ("usage_quarter_hourly", "usage_errors_quarter_hourly")


class Migration(migrations.Migration):
    """Usage by the hours and days of any time zone, with percentiles of each endpoint of a client."""

    dependencies = [("credentials", "0013_oauth_admissions")]

    operations = [
        *(
            migrations.RunSQL(HISTOGRAMS.format(name=name), reverse_sql=NO_HISTOGRAMS.format(name=name))
            for name in ("usage_hourly", "usage_daily")
        ),
        migrations.RunSQL(QUARTERS, reverse_sql=f"DROP TABLE {', '.join(TABLES)}"),
        *(TenantTable(name, key=False) for name in TABLES),
    ]
