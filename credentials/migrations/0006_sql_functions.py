from django.conf import settings
from django.db import migrations

# Contract B's functions, for psql as the owner. They keep the form and the hash of credentials/secrets.py.
FUNCTIONS = """
CREATE TABLE hub_secret (name text PRIMARY KEY, value bytea NOT NULL);

CREATE FUNCTION hub_base62(length int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE alphabet text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  drawn bytea; digits text := ''; value int;
BEGIN
  WHILE char_length(digits) < length LOOP
    drawn := uuid_send(gen_random_uuid());
    FOR place IN 0..15 LOOP
      -- these two bytes carry the version and the variant, and beyond 247 the rest would not be even
      CONTINUE WHEN place IN (6, 8) OR get_byte(drawn, place) >= 248 OR char_length(digits) = length;
      value := get_byte(drawn, place) % 62;
      digits := digits || substr(alphabet, value + 1, 1);
    END LOOP;
  END LOOP;
  RETURN digits;
END $$;

CREATE FUNCTION hub_checksum(body text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE alphabet text := '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  crc bigint := 4294967295; digits text := '';
BEGIN
  FOR place IN 0..octet_length(body) - 1 LOOP
    crc := crc # get_byte(convert_to(body, 'UTF8'), place);
    FOR bit IN 1..8 LOOP
      crc := CASE WHEN crc & 1 = 1 THEN (crc >> 1) # 3988292384 ELSE crc >> 1 END;
    END LOOP;
  END LOOP;
  crc := crc # 4294967295;
  FOR place IN 1..6 LOOP
    digits := substr(alphabet, (crc % 62)::int + 1, 1) || digits;
    crc := crc / 62;
  END LOOP;
  RETURN digits;
END $$;

CREATE FUNCTION hub_hmac_sha256(key bytea, message bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE inner_pad bytea; outer_pad bytea;
BEGIN
  IF octet_length(key) > 64 THEN key := sha256(key); END IF;
  key := key || decode(repeat('00', 64 - octet_length(key)), 'hex');
  inner_pad := key; outer_pad := key;
  FOR place IN 0..63 LOOP
    inner_pad := set_byte(inner_pad, place, get_byte(key, place) # 54);
    outer_pad := set_byte(outer_pad, place, get_byte(key, place) # 92);
  END LOOP;
  RETURN sha256(outer_pad || sha256(inner_pad || message));
END $$;

-- Open the operator context for the rest of a function; answers what to set it back to. (SET on the function
-- itself takes a superuser for a setting of ours.)
CREATE FUNCTION hub_operate() RETURNS text LANGUAGE plpgsql AS $$
DECLARE context text := coalesce(current_setting('hub.operator', true), '');
BEGIN
  PERFORM set_config('hub.operator', 'on', true);
  RETURN context;
END $$;

CREATE FUNCTION generate_partner_api_key(partner_name text, environment text DEFAULT 'sandbox',
    company_id uuid DEFAULT NULL, expires_in_days int DEFAULT 365)
  RETURNS TABLE (api_key_id uuid, key_id text, api_key text, expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_variable
DECLARE tenant uuid; client uuid; secret text; wanted text := environment; bound uuid := company_id;
  context text := hub_operate();
BEGIN
  IF wanted NOT IN ('sandbox', 'production') THEN
    RAISE EXCEPTION 'environment must be sandbox or production, not %', wanted;
  END IF;
  IF expires_in_days < 1 THEN RAISE EXCEPTION 'expires_in_days must be 1 or more'; END IF;
  IF bound IS NOT NULL THEN
    SELECT c.organization_id INTO tenant FROM partners_company c
      WHERE c.id = bound AND c.environment = wanted;
    IF tenant IS NULL THEN RAISE EXCEPTION 'there is no company % in %', bound, wanted; END IF;
  ELSE
    IF (SELECT count(*) FROM partners_organization) <> 1 THEN
      RAISE EXCEPTION 'several organizations: name a company, or use manage.py generate_partner_api_key';
    END IF;
    SELECT o.id INTO tenant FROM partners_organization o;
  END IF;
  SELECT c.id INTO client FROM partners_apiclient c WHERE c.organization_id = tenant
    AND c.environment = wanted AND lower(c.name) = lower(partner_name);
  IF client IS NULL THEN
    client := gen_random_uuid();
    -- without a webhook secret of its own: the hub's signs for it
    INSERT INTO partners_apiclient (id, organization_id, environment, created_at, updated_at, name,
        description, status, webhook_secret_sealed)
      VALUES (client, tenant, wanted, now(), now(), partner_name, '', 'ACTIVE', '');
  END IF;
  api_key_id := gen_random_uuid();
  key_id := 'pk_' || wanted || '_' || hub_base62(12);
  secret := hub_base62(43);
  secret := 'sk_' || secret || hub_checksum(secret);
  api_key := key_id || '.' || secret;
  expires_at := now() + make_interval(days => expires_in_days);
  INSERT INTO partner_api_keys (id, organization_id, environment, created_at, updated_at, client_id,
      partner_name, key_id, scopes, status, expires_at, company_id, ip_allowlist, tier,
      requests_per_minute, signing_mode, signing_secret_sealed, version, created_by)
    VALUES (api_key_id, tenant, wanted, now(), now(), client, partner_name, key_id,
      ARRAY['agents:write', 'calls:write', 'companies:read', 'companies:write', 'jobs:read'], 'active',
      expires_at, bound, '{}', 'standard', 1000, 'none', '', 1, 'SQL by ' || session_user);
  INSERT INTO partner_api_key_secrets (id, organization_id, environment, created_at, updated_at,
      api_key_id, hash, last_four)
    VALUES (gen_random_uuid(), tenant, wanted, now(), now(), api_key_id,
      hub_hmac_sha256((SELECT s.value FROM hub_secret s WHERE s.name = 'credential-hash-key'),
                      convert_to(secret, 'UTF8')), right(secret, 4));
  INSERT INTO partners_auditentry (id, organization_id, created_at, actor, action, target_type, target_id,
      target_label, before, after, request_id, sequence, hash)
    VALUES (gen_random_uuid(), tenant, now(), 'SQL by ' || session_user, 'key.issued', 'apikey',
      api_key_id::text, partner_name || ' (' || key_id || ')', '{}',
      jsonb_build_object('name', partner_name, 'key_id', key_id, 'environment', wanted), '', 0, '');
  PERFORM set_config('hub.operator', context, true);
  RETURN NEXT;
END $$;

CREATE FUNCTION get_partner_api_usage(key_id uuid, from_time timestamptz, to_time timestamptz)
  RETURNS TABLE (endpoint text, method text, total_requests bigint, successful_requests bigint,
    failed_requests bigint, avg_response_time_ms double precision, p95_response_time_ms double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE context text := hub_operate();
BEGIN
  RETURN QUERY SELECT r.endpoint::text, r.method::text, count(*), count(*) FILTER (WHERE r.response_status < 400),
    count(*) FILTER (WHERE r.response_status >= 400), avg(r.response_time_ms),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY r.response_time_ms)
  FROM partner_api_requests r
  WHERE r.partner_api_key_id = get_partner_api_usage.key_id AND r.created_at >= from_time
    AND r.created_at < to_time
  GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2;
  PERFORM set_config('hub.operator', context, true);
END $$;

CREATE FUNCTION cleanup_partner_api_logs(days int DEFAULT 90) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE logs text; dropped int := 0;
BEGIN
  IF days < 1 THEN RAISE EXCEPTION 'days must be 1 or more'; END IF;
  FOR logs IN SELECT name FROM hub_partitioned_table LOOP
    dropped := dropped + hub_drop_partitions(logs, (now() AT TIME ZONE 'UTC')::date - days);
  END LOOP;
  RETURN dropped;
END $$;

REVOKE ALL ON FUNCTION generate_partner_api_key, get_partner_api_usage, cleanup_partner_api_logs FROM PUBLIC;
"""


def keep_hash_key(apps, schema_editor):
    """The functions hash secrets as the server does; only their owner can read the key."""
    role = settings.DATABASES["default"]["USER"]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f'REVOKE ALL ON hub_secret FROM PUBLIC, "{role}"')
        cursor.execute(
            "INSERT INTO hub_secret VALUES ('credential-hash-key', %s)",
            [settings.CREDENTIAL_HASH_KEY.encode()],
        )


class Migration(migrations.Migration):
    """generate_partner_api_key, get_partner_api_usage and cleanup_partner_api_logs."""

    dependencies = [("credentials", "0005_admission_counter"), ("partners", "0003_audit_chain")]

    operations = [
        migrations.RunSQL(FUNCTIONS, reverse_sql=migrations.RunSQL.noop),
        migrations.RunPython(keep_hash_key, migrations.RunPython.noop),
    ]
