from django.db import migrations, models

CHAIN = """
-- One text for one entry, whatever the session's time zone and whichever columns come later: what the hash
-- is made of.
CREATE FUNCTION hub_audit_hash(previous bytea, entry partners_auditentry) RETURNS bytea
LANGUAGE sql STABLE SET timezone = 'UTC' AS $$
  SELECT sha256(previous || convert_to(jsonb_build_array(
    entry.id, entry.organization_id, entry.sequence, entry.created_at, entry.actor, entry.action,
    entry.target_type, entry.target_id, entry.target_label, entry.before, entry.after, entry.ip,
    entry.request_id)::text, 'UTF8'))
$$;

CREATE FUNCTION hub_audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last_sequence bigint; last_hash bytea;
BEGIN
  -- one entry of an organization at a time, until its transaction ends
  PERFORM pg_advisory_xact_lock(hashtextextended('hub_audit:' || coalesce(NEW.organization_id::text, ''), 0));
  SELECT sequence, hash INTO last_sequence, last_hash FROM partners_auditentry
    WHERE organization_id IS NOT DISTINCT FROM NEW.organization_id ORDER BY sequence DESC LIMIT 1;
  NEW.sequence := coalesce(last_sequence, 0) + 1;
  NEW.hash := hub_audit_hash(coalesce(last_hash, ''::bytea), NEW);
  RETURN NEW;
END $$;

-- Chain what stands already, in the order it came.
DO $$
DECLARE entry partners_auditentry; chain uuid; number bigint; last_hash bytea;
BEGIN
  PERFORM set_config('hub.operator', 'on', true);
  FOR chain IN SELECT DISTINCT organization_id FROM partners_auditentry LOOP
    number := 0; last_hash := '';
    FOR entry IN SELECT * FROM partners_auditentry e WHERE e.organization_id IS NOT DISTINCT FROM chain
      ORDER BY e.created_at, e.id
    LOOP
      number := number + 1;
      entry.sequence := number;
      last_hash := hub_audit_hash(last_hash, entry);
      UPDATE partners_auditentry SET sequence = number, hash = last_hash WHERE id = entry.id;
    END LOOP;
  END LOOP;
  PERFORM set_config('hub.operator', '', true);
END $$;

CREATE TRIGGER hub_audit_chain BEFORE INSERT ON partners_auditentry
  FOR EACH ROW EXECUTE FUNCTION hub_audit_chain();

ALTER TABLE partners_auditentry ADD CONSTRAINT audit_sequence
  UNIQUE NULLS NOT DISTINCT (organization_id, sequence);

-- The first number at which an organization's chain does not hold; nothing when it does.
CREATE FUNCTION hub_audit_broken(chain uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT min(number) FROM (
    SELECT row_number() OVER (ORDER BY e.sequence) AS number, e.sequence, e.hash,
           hub_audit_hash(coalesce(lag(e.hash) OVER (ORDER BY e.sequence), ''::bytea), e) AS expected
    FROM partners_auditentry e WHERE e.organization_id IS NOT DISTINCT FROM chain
  ) entries WHERE sequence <> number OR hash <> expected
$$;
"""


class Migration(migrations.Migration):
    """Number and hash the audit trail, organization by organization."""

    dependencies = [("partners", "0002_row_security")]

    operations = [
        migrations.AddField("auditentry", "sequence", models.BigIntegerField(default=0, editable=False)),
        migrations.AddField(
            "auditentry", "hash", models.BinaryField(default=bytes, editable=False, max_length=32)
        ),
        migrations.RunSQL(CHAIN, reverse_sql=migrations.RunSQL.noop),
    ]
