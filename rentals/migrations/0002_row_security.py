from django.db import migrations

from config.row_counts import CountedTable
from config.row_security import TenantForeignKey, TenantTable

_CAPACITY = """
CREATE FUNCTION rentals_peak(item uuid, span tstzrange) RETURNS bigint LANGUAGE sql AS $$
  SELECT coalesce(max(taken), 0) FROM (
    SELECT sum(change) OVER (ORDER BY at, change) AS taken FROM (
      SELECT greatest(lower(during), lower(span)) AS at, quantity AS change
      FROM rentals_allocation WHERE item_id = item AND during && span
      UNION ALL
      SELECT upper(during), -quantity
      FROM rentals_allocation WHERE item_id = item AND during && span
        AND upper(during) < coalesce(upper(span), 'infinity')
    ) AS changes
  ) AS levels
$$;

CREATE FUNCTION rentals_refuse() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'more than there is' USING ERRCODE = 'check_violation', CONSTRAINT = 'rental_capacity';
END $$;

-- The lock comes first: what is read behind it is what whoever held it has committed.
CREATE FUNCTION rentals_judge_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE total bigint;
BEGIN
  SELECT quantity INTO total FROM rentals_item WHERE id = NEW.item_id FOR NO KEY UPDATE;
  IF rentals_peak(NEW.item_id, NEW.during) > total THEN PERFORM rentals_refuse(); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rental_capacity_taken AFTER INSERT ON rentals_allocation FOR EACH ROW
  WHEN (NOT NEW.unplanned) EXECUTE FUNCTION rentals_judge_allocation();
CREATE TRIGGER rental_capacity_grown AFTER UPDATE ON rentals_allocation FOR EACH ROW
  WHEN (NOT NEW.unplanned AND (NEW.quantity > OLD.quantity OR NOT NEW.during <@ OLD.during
    OR NEW.item_id <> OLD.item_id OR OLD.unplanned))
  EXECUTE FUNCTION rentals_judge_allocation();

CREATE FUNCTION rentals_judge_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF rentals_peak(NEW.id, tstzrange(now(), NULL)) > NEW.quantity THEN PERFORM rentals_refuse(); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rental_capacity_less AFTER UPDATE OF quantity ON rentals_item FOR EACH ROW
  WHEN (NEW.quantity < OLD.quantity) EXECUTE FUNCTION rentals_judge_item();
"""


class Migration(migrations.Migration):
    """Row-level security, the list's total, and that there is never more out than there is."""

    dependencies = [("rentals", "0001_initial"), ("partners", "0008_time_zone")]

    operations = [
        TenantTable("rentals_item"),
        TenantTable("rentals_itemimage"),
        TenantTable("rentals_block"),
        TenantTable("rentals_order"),
        TenantTable("rentals_line"),
        TenantTable("rentals_allocation"),
        TenantTable("rentals_orderchange"),
        TenantForeignKey("rentals_itemimage", "item_id", "rentals_item", on_delete="CASCADE"),
        TenantForeignKey("rentals_block", "item_id", "rentals_item", on_delete="CASCADE"),
        TenantForeignKey(
            "rentals_order", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"
        ),
        TenantForeignKey("rentals_line", "order_id", "rentals_order", on_delete="CASCADE"),
        TenantForeignKey("rentals_line", "item_id", "rentals_item"),
        TenantForeignKey("rentals_allocation", "item_id", "rentals_item", on_delete="CASCADE"),
        TenantForeignKey("rentals_allocation", "line_id", "rentals_line", on_delete="CASCADE"),
        TenantForeignKey("rentals_allocation", "block_id", "rentals_block", on_delete="CASCADE"),
        TenantForeignKey("rentals_orderchange", "order_id", "rentals_order", on_delete="CASCADE"),
        CountedTable("rentals_order", state="status"),
        migrations.RunSQL(_CAPACITY, migrations.RunSQL.noop),
    ]
