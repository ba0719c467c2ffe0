from django.db import migrations

# A session keeps the plans of its triggers. One made while a table was small would read all of it, or all of a
# tenant's, when it is no longer, until the table is analyzed: so each look-up takes its own index at once.
_RULES = """
CREATE OR REPLACE FUNCTION hub_ledger_balances() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public SET enable_seqscan = off AS $$
DECLARE
  held_operator CONSTANT text := coalesce(current_setting('hub.operator', true), '');
  shared_slot CONSTANT int := hub_counting_slot();
  ignored text; is_wrong boolean; is_turned boolean;
BEGIN
  ignored := set_config('hub.operator', 'on', true);
  -- Rows are looked up one by one (OFFSET 0) and by their id alone (IS TRUE), which costs the same however many
  -- there are: an index that begins with the tenant would do for a small table, too, and read all of a large one.
  WITH line AS MATERIALIZED (
    SELECT e.transaction_id, e.account_id, e.organization_id, e.environment, e.amount_minor, a.kind, a.currency,
      a.id IS NULL OR t.id IS NULL AS is_stray
    FROM entered e
    LEFT JOIN LATERAL (SELECT a.id, a.kind, a.currency FROM ledger_account a WHERE a.id = e.account_id
      AND (a.organization_id = e.organization_id AND a.environment = e.environment) IS TRUE OFFSET 0) AS a ON true
    LEFT JOIN LATERAL (SELECT t.id FROM ledger_transaction t WHERE t.id = e.transaction_id
      AND (t.created_at = e.created_at AND t.organization_id = e.organization_id
        AND t.environment = e.environment) IS TRUE OFFSET 0) AS t ON true
  ), kept AS (
    -- accounts that everybody posts to are kept in slots (config/row_counts.py), a payee's own in one row
    INSERT INTO ledger_balance AS held
      (account_id, slot, organization_id, environment, balance_minor, entries)
    SELECT account_id, CASE WHEN kind IN ('user_payable', 'payee_debt') THEN 0 ELSE shared_slot END,
      organization_id, environment, sum(amount_minor), count(*)
    FROM line GROUP BY account_id, kind, organization_id, environment ORDER BY account_id
    ON CONFLICT (account_id, slot) DO UPDATE
      SET balance_minor = held.balance_minor + excluded.balance_minor, entries = held.entries + excluded.entries
    RETURNING account_id, balance_minor
  )
  SELECT
    (SELECT bool_or(total <> 0 OR is_stray) FROM (
      SELECT sum(amount_minor) AS total, bool_or(is_stray) AS is_stray
      FROM line GROUP BY transaction_id, currency) AS sums),
    -- no check constraint: it would judge what is proposed to be inserted, not what comes of it
    (SELECT bool_or(CASE line.kind WHEN 'user_payable' THEN kept.balance_minor > 0
      WHEN 'payee_debt' THEN kept.balance_minor < 0 END) FROM kept JOIN line USING (account_id))
  INTO is_wrong, is_turned;
  IF is_wrong THEN
    RAISE EXCEPTION 'postings do not sum to zero, or are of no transaction or account of their tenant and moment'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_sums_to_zero';
  END IF;
  IF is_turned THEN
    RAISE EXCEPTION 'a payee''s account would turn to the other side'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balance_side';
  END IF;
  ignored := set_config('hub.operator', held_operator, true);
  RETURN NULL;
END $$;

ALTER FUNCTION hub_ledger_sums_to_zero() SET enable_seqscan = off;

-- nothing refers to a transaction by its tenant
ALTER TABLE ledger_transaction DROP CONSTRAINT ledger_transaction_tenant_key;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_posted_at_once")]

    operations = [migrations.RunSQL(_RULES, migrations.RunSQL.noop)]
