from django.db import migrations

from config.partitions import PartitionByDay
from config.row_security import AppendOnly, TenantTable

CLICKS = """
CREATE TABLE rewards_click (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    organization_id uuid NOT NULL,
    environment varchar(10) NOT NULL,
    client_id uuid,
    campaign_id uuid NOT NULL,
    link_id uuid NOT NULL,
    user_id varchar(120) NOT NULL DEFAULT '',
    sub_id varchar(120) NOT NULL DEFAULT '',
    ip_hash bytea NOT NULL,
    device varchar(10) NOT NULL,
    referrer varchar(500) NOT NULL DEFAULT '',
    is_bot boolean NOT NULL DEFAULT false,
    is_prefetch boolean NOT NULL DEFAULT false,
    PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX rewards_click_campaign ON rewards_click (campaign_id, created_at DESC, id DESC);

-- Random, and gone two days later: then nobody can find out whose address a hash is of.
CREATE TABLE rewards_click_salt (day date PRIMARY KEY, salt bytea NOT NULL);
"""

# Hours and days have the same columns; a day starts at midnight UTC. The latest rows are updated every other
# second: the fill factor leaves room for that in place.
ROLLUP = """
CREATE TABLE {name} (
    organization_id uuid NOT NULL,
    environment varchar(10) NOT NULL,
    client_id uuid,
    campaign_id uuid NOT NULL,
    link_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    clicks bigint NOT NULL,
    bots bigint NOT NULL,
    prefetches bigint NOT NULL,
    PRIMARY KEY (link_id, starts_at)
) WITH (fillfactor = 80);
CREATE INDEX {name}_organization ON {name} (organization_id, environment, starts_at);
CREATE INDEX {name}_campaign ON {name} (campaign_id, starts_at);
"""

# What a redirect is made of changed: link, campaign, offer, brand or network `subject`. Processes read the
# changes since their last look, by transaction, so that none is missed that commits late (rewards/targets.py).
CHANGES = """
CREATE TABLE rewards_link_change (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    subject uuid NOT NULL
);
CREATE INDEX rewards_link_change_xid ON rewards_link_change (xid);
CREATE INDEX rewards_link_change_at ON rewards_link_change (at);

CREATE FUNCTION rewards_link_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO rewards_link_change (subject) SELECT id FROM gone;
  RETURN NULL;
END $$;
CREATE TRIGGER link_changed AFTER UPDATE ON rewards_smartlink
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION rewards_link_changed();
CREATE TRIGGER link_deleted AFTER DELETE ON rewards_smartlink
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION rewards_link_changed();
CREATE TRIGGER link_changed AFTER UPDATE ON rewards_campaign
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION rewards_link_changed();
CREATE TRIGGER link_changed AFTER UPDATE ON catalog_affiliatenetwork
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION rewards_link_changed();
CREATE TRIGGER link_changed AFTER UPDATE ON catalog_brand
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION rewards_link_changed();

-- a sync touches every offer; only those that links lead to are told of
CREATE FUNCTION rewards_offer_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO rewards_link_change (subject)
    SELECT gone.id FROM gone JOIN entered ON entered.id = gone.id
    WHERE (gone.status, gone.is_hidden, gone.starts_at, gone.ends_at, gone.tracking_url, gone.external_id,
           gone.network_id, gone.brand_id)
        IS DISTINCT FROM (entered.status, entered.is_hidden, entered.starts_at, entered.ends_at,
           entered.tracking_url, entered.external_id, entered.network_id, entered.brand_id)
      AND EXISTS (SELECT FROM rewards_campaign c WHERE c.offer_id = gone.id);
  RETURN NULL;
END $$;
CREATE TRIGGER link_changed AFTER UPDATE ON catalog_offer
  REFERENCING OLD TABLE AS gone NEW TABLE AS entered
  FOR EACH STATEMENT EXECUTE FUNCTION rewards_offer_changed();
"""

# Clicks are no log that ops clean away: conversions still come for them (CLICK_RETENTION_DAYS).
KEPT = """
CREATE OR REPLACE FUNCTION cleanup_partner_api_logs(days int DEFAULT 90) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE logs text; dropped int := 0;
BEGIN
  IF days < 1 THEN RAISE EXCEPTION 'days must be 1 or more'; END IF;
  FOR logs IN SELECT name FROM hub_partitioned_table WHERE name <> 'rewards_click' LOOP
    dropped := dropped + hub_drop_partitions(logs, (now() AT TIME ZONE 'UTC')::date - days);
  END LOOP;
  RETURN dropped;
END $$;
"""


class Migration(migrations.Migration):
    """Clicks by day, their roll-ups, and what tells every process that a link leads elsewhere."""

    dependencies = [("rewards", "0002_row_security"), ("credentials", "0006_sql_functions")]

    operations = [
        migrations.RunSQL(CLICKS, reverse_sql="DROP TABLE rewards_click, rewards_click_salt"),
        TenantTable("rewards_click", key=False),
        PartitionByDay("rewards_click"),
        AppendOnly("rewards_click"),
        migrations.RunSQL(ROLLUP.format(name="rewards_clicks_hourly")),
        migrations.RunSQL(ROLLUP.format(name="rewards_clicks_daily")),
        TenantTable("rewards_clicks_hourly", key=False),
        TenantTable("rewards_clicks_daily", key=False),
        migrations.RunSQL(CHANGES),
        migrations.RunSQL(KEPT),
    ]
