import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

from config.row_security import TenantForeignKey, TenantTable

_LEDGER = """
-- What has no end or lasts for years would fill months for ever: availability adds it by itself.
CREATE FUNCTION rentals_is_long(during tstzrange) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT upper(during) IS NULL OR upper(during) - lower(during) > interval '400 days'
$$;
CREATE INDEX allocation_long ON rentals_allocation (organization_id, environment)
  WHERE rentals_is_long(during);

-- The zone whose days the ledger has: the organization's, where this server knows it.
CREATE FUNCTION rentals_zone(organization uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE zone text;
BEGIN
  SELECT time_zone INTO zone FROM partners_organization WHERE id = organization;
  PERFORM now() AT TIME ZONE zone;
  RETURN coalesce(zone, 'UTC');
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN 'UTC';
END $$;

-- Count the months that a span touches again. The lock comes first: what is read behind it is what whoever
-- held it has committed.
CREATE FUNCTION rentals_ledger_renew(wanted uuid, span tstzrange) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  item rentals_item;
  zone text;
  first timestamp;
  last timestamp;
  whole tstzrange;
BEGIN
  SELECT * INTO item FROM rentals_item WHERE id = wanted FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  zone := rentals_zone(item.organization_id);
  first := date_trunc('month', lower(span) AT TIME ZONE zone);
  last := date_trunc('month', (upper(span) - interval '1 microsecond') AT TIME ZONE zone) + interval '1 month';
  whole := tstzrange(first AT TIME ZONE zone, last AT TIME ZONE zone);
  INSERT INTO rentals_dailyledger AS held
    (id, organization_id, environment, created_at, updated_at, item_id, month, taken)
  SELECT gen_random_uuid(), item.organization_id, item.environment, now(), now(), item.id,
    date_trunc('month', day)::date, array_agg(peak ORDER BY day)
  FROM (
    SELECT day, max(level) AS peak FROM (
      -- at one moment: what ends, then the day, then what begins
      SELECT turn, max(midnight) OVER (ORDER BY at, turn) AS day, sum(change) OVER (ORDER BY at, turn) AS level
      FROM (
        SELECT day AT TIME ZONE zone AS at, 1 AS turn, 0 AS change, day AS midnight
        FROM generate_series(first, last - interval '1 day', interval '1 day') AS day
        UNION ALL
        SELECT greatest(lower(during), lower(whole)), 2, quantity, NULL
        FROM rentals_allocation
        WHERE item_id = item.id AND during && whole AND NOT rentals_is_long(during)
        UNION ALL
        SELECT upper(during), 0, -quantity, NULL
        FROM rentals_allocation
        WHERE item_id = item.id AND during && whole AND NOT rentals_is_long(during)
          AND upper(during) < upper(whole)
      ) AS changes
    ) AS levels
    WHERE turn > 0 GROUP BY day
  ) AS days
  GROUP BY date_trunc('month', day)
  ON CONFLICT (item_id, month) DO UPDATE SET taken = excluded.taken, updated_at = excluded.updated_at
    WHERE held.taken <> excluded.taken;
END $$;

CREATE FUNCTION rentals_ledger_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND NOT rentals_is_long(OLD.during) THEN
    PERFORM rentals_ledger_renew(OLD.item_id, OLD.during);
  END IF;
  IF TG_OP <> 'DELETE' AND NOT rentals_is_long(NEW.during)
    AND (TG_OP = 'INSERT' OR rentals_is_long(OLD.during) OR NOT NEW.during <@ OLD.during
      OR NEW.item_id <> OLD.item_id) THEN
    PERFORM rentals_ledger_renew(NEW.item_id, NEW.during);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rental_ledger_written AFTER INSERT OR DELETE ON rentals_allocation FOR EACH ROW
  EXECUTE FUNCTION rentals_ledger_follow();
CREATE TRIGGER rental_ledger_changed AFTER UPDATE ON rentals_allocation FOR EACH ROW
  WHEN (NEW.quantity <> OLD.quantity OR NEW.during <> OLD.during OR NEW.item_id <> OLD.item_id)
  EXECUTE FUNCTION rentals_ledger_follow();

-- Whoever changes an organization's zone may see one of its environments only; its days are those of both.
CREATE FUNCTION rentals_ledger_rebuild(organization uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE before text := current_setting('hub.operator', true);
BEGIN
  PERFORM set_config('hub.operator', 'on', true);
  DELETE FROM rentals_dailyledger WHERE organization_id = organization;
  PERFORM rentals_ledger_renew(item_id, tstzrange(min(lower(during)), max(upper(during))))
  FROM rentals_allocation
  WHERE organization_id = organization AND NOT rentals_is_long(during)
  GROUP BY item_id ORDER BY item_id;
  PERFORM set_config('hub.operator', coalesce(before, ''), true);
END $$;

CREATE FUNCTION rentals_ledger_rezone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM rentals_ledger_rebuild(NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER rental_ledger_rezoned AFTER UPDATE OF time_zone ON partners_organization FOR EACH ROW
  WHEN (NEW.time_zone <> OLD.time_zone) EXECUTE FUNCTION rentals_ledger_rezone();
"""


class Migration(migrations.Migration):
    """What is taken on each day, counted when it changes instead of when it is asked for."""

    dependencies = [("rentals", "0003_invoices"), ("partners", "0008_time_zone")]

    operations = [
        migrations.CreateModel(
            name="DailyLedger",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        choices=[("sandbox", "Sandbox"), ("production", "Production")],
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("month", models.DateField()),
                (
                    "taken",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="rentals.item",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="partners.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "environment", "month"], name="ledger_months")
                ],
                "constraints": [models.UniqueConstraint(fields=("item", "month"), name="ledger_month")],
            },
        ),
        TenantTable("rentals_dailyledger"),
        TenantForeignKey("rentals_dailyledger", "item_id", "rentals_item", on_delete="CASCADE"),
        migrations.RunSQL(_LEDGER, migrations.RunSQL.noop),
    ]
