from django.db import migrations

from config.row_security import AppendOnly, TenantForeignKey, TenantTable, revoke

# The functions are the owner's: they write what the application role may only read. They see every tenant's
# rows, whatever the context is when a deferred trigger fires, and give the context back.
_RULES = """
CREATE TABLE ledger_balance (
  account_id uuid NOT NULL REFERENCES ledger_account DEFERRABLE INITIALLY DEFERRED,
  slot smallint NOT NULL,
  organization_id uuid NOT NULL,
  environment varchar(10) NOT NULL,
  balance_minor bigint NOT NULL,
  entries bigint NOT NULL,
  PRIMARY KEY (account_id, slot)
) WITH (fillfactor = 50);
CREATE INDEX ledger_balance_tenant ON ledger_balance (organization_id, environment);

CREATE TABLE ledger_checkpoint (
  account_id uuid NOT NULL REFERENCES ledger_account DEFERRABLE INITIALLY DEFERRED,
  posting_id bigint NOT NULL,
  organization_id uuid NOT NULL,
  environment varchar(10) NOT NULL,
  balance_minor bigint NOT NULL,
  entries bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, posting_id)
);
CREATE INDEX ledger_checkpoint_tenant ON ledger_checkpoint (organization_id, environment);

CREATE FUNCTION hub_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only';
END $$;
CREATE TRIGGER ledger_transaction_kept BEFORE UPDATE OR DELETE ON ledger_transaction
  FOR EACH ROW EXECUTE FUNCTION hub_ledger_refuse();
CREATE TRIGGER ledger_posting_kept BEFORE UPDATE OR DELETE ON ledger_posting
  FOR EACH ROW EXECUTE FUNCTION hub_ledger_refuse();
CREATE TRIGGER ledger_account_kept BEFORE UPDATE OR DELETE ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION hub_ledger_refuse();

-- Whoever posts shares this lock until the end; whoever closes a stretch of postings takes it alone, and so
-- knows that no posting with a smaller id is still to come.
CREATE FUNCTION hub_ledger_enter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('hub_ledger', 0));
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_posting_enter BEFORE INSERT ON ledger_posting
  FOR EACH STATEMENT EXECUTE FUNCTION hub_ledger_enter();

-- Accounts that everybody posts to are kept in slots (config/row_counts.py), a payee's own in one row.
CREATE FUNCTION hub_ledger_balances() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE held_operator CONSTANT text := coalesce(current_setting('hub.operator', true), '');
  wrong boolean;
BEGIN
  PERFORM set_config('hub.operator', 'on', true);
  WITH kept AS (
  INSERT INTO ledger_balance AS held
    (account_id, slot, organization_id, environment, balance_minor, entries)
  SELECT a.id, CASE WHEN a.kind IN ('user_payable', 'payee_debt') THEN 0 ELSE hub_counting_slot() END,
    a.organization_id, a.environment, sum(e.amount_minor), count(*)
  FROM entered e JOIN ledger_account a ON a.id = e.account_id
  GROUP BY a.id ORDER BY a.id
  ON CONFLICT (account_id, slot) DO UPDATE
    SET balance_minor = held.balance_minor + excluded.balance_minor, entries = held.entries + excluded.entries
    RETURNING account_id, balance_minor
  )
  -- no check constraint: it would judge what is proposed to be inserted, not what comes of it
  SELECT bool_or(CASE a.kind WHEN 'user_payable' THEN k.balance_minor > 0
    WHEN 'payee_debt' THEN k.balance_minor < 0 END) INTO wrong
  FROM kept k JOIN ledger_account a ON a.id = k.account_id WHERE a.kind IN ('user_payable', 'payee_debt');
  IF wrong THEN
    RAISE EXCEPTION 'a payee''s account would turn to the other side'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balance_side';
  END IF;
  PERFORM set_config('hub.operator', held_operator, true);
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_posting_balances AFTER INSERT ON ledger_posting REFERENCING NEW TABLE AS entered
  FOR EACH STATEMENT EXECUTE FUNCTION hub_ledger_balances();

CREATE FUNCTION hub_ledger_sums_to_zero() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE checked uuid := CASE TG_TABLE_NAME WHEN 'ledger_transaction' THEN (to_jsonb(NEW) ->> 'id')::uuid
  ELSE (to_jsonb(NEW) ->> 'transaction_id')::uuid END;
  made timestamptz; wrong boolean;
  held_operator CONSTANT text := coalesce(current_setting('hub.operator', true), '');
BEGIN
  PERFORM set_config('hub.operator', 'on', true);
  SELECT created_at INTO made FROM ledger_transaction WHERE id = checked;
  SELECT count(*) = 0 OR bool_or(total <> 0 OR late) INTO wrong FROM (
    SELECT sum(p.amount_minor) AS total, bool_or(p.created_at <> made) AS late
    FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
    WHERE p.transaction_id = checked GROUP BY a.currency) AS currencies;
  PERFORM set_config('hub.operator', held_operator, true);
  IF wrong THEN
    RAISE EXCEPTION 'the postings of transaction % do not sum to zero', checked
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_sums_to_zero';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_transaction_sums_to_zero AFTER INSERT ON ledger_transaction
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hub_ledger_sums_to_zero();
CREATE CONSTRAINT TRIGGER ledger_posting_sums_to_zero AFTER INSERT ON ledger_posting
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hub_ledger_sums_to_zero();

-- Close what has been posted: a checkpoint for each account with at least `every` postings since its last,
-- one after each `every` of them. Answers how many. Whoever posts waits meanwhile, so `patience` bounds it.
CREATE FUNCTION hub_ledger_checkpoint(every int, patience text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE closed bigint; made bigint := 0; one record; added bigint;
  held_operator CONSTANT text := coalesce(current_setting('hub.operator', true), '');
BEGIN
  PERFORM set_config('hub.operator', 'on', true);
  PERFORM set_config('lock_timeout', patience, true);
  PERFORM pg_advisory_lock(hashtextextended('hub_ledger', 0));
  SELECT coalesce(max(id), 0) INTO closed FROM ledger_posting;
  PERFORM pg_advisory_unlock(hashtextextended('hub_ledger', 0));
  FOR one IN
    SELECT b.account_id, b.organization_id, b.environment, coalesce(c.posting_id, 0) AS posting_id,
      coalesce(c.balance_minor, 0) AS balance_minor, coalesce(c.entries, 0) AS entries
    FROM (SELECT account_id, organization_id, environment, sum(entries) AS entries FROM ledger_balance
      GROUP BY account_id, organization_id, environment) b
    LEFT JOIN LATERAL (SELECT posting_id, balance_minor, entries FROM ledger_checkpoint k
      WHERE k.account_id = b.account_id ORDER BY posting_id DESC LIMIT 1) c ON true
    WHERE b.entries - coalesce(c.entries, 0) >= every
  LOOP
    INSERT INTO ledger_checkpoint (account_id, posting_id, organization_id, environment, balance_minor, entries)
    SELECT one.account_id, id, one.organization_id, one.environment, one.balance_minor + running, one.entries + n
    FROM (SELECT id, sum(amount_minor) OVER (ORDER BY id) AS running, row_number() OVER (ORDER BY id) AS n
      FROM ledger_posting WHERE account_id = one.account_id AND id > one.posting_id AND id <= closed) AS added
    WHERE n % every = 0
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    made := made + added;
  END LOOP;
  PERFORM set_config('hub.operator', held_operator, true);
  RETURN made;
END $$;
"""


class Migration(migrations.Migration):
    """Row-level security, append-only tables, transactions that sum to zero, and kept balances."""

    dependencies = [("ledger", "0001_initial"), ("partners", "0004_row_counts")]

    operations = [
        TenantTable("ledger_account"),
        TenantTable("ledger_transaction"),
        TenantTable("ledger_posting", key=False),
        TenantTable("ledger_reconciliation"),
        TenantForeignKey("ledger_posting", "transaction_id", "ledger_transaction"),
        TenantForeignKey("ledger_posting", "account_id", "ledger_account"),
        migrations.RunSQL(_RULES, migrations.RunSQL.noop),
        TenantTable("ledger_balance", key=False),
        TenantTable("ledger_checkpoint", key=False),
        AppendOnly("ledger_account", "ledger_transaction", "ledger_posting", "ledger_reconciliation"),
        migrations.RunSQL(
            revoke(("ledger_balance", "ledger_checkpoint"), "INSERT, UPDATE, DELETE, TRUNCATE"),
            migrations.RunSQL.noop,
        ),
    ]
