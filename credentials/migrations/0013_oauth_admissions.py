from django.db import migrations

# hub_admission_seed of 0012, which looks in the request log for a client's OAuth tokens too: those are
# counted under `oauth_` and the client's id (credentials/snapshots.py).
SEED = r"""
CREATE OR REPLACE FUNCTION hub_admission_seed(who text, ages_us bigint[], ids bigint[], still_open boolean[],
    counted boolean,
    hour_least int, day_least int, bucket_age_us bigint, bucket_tokens double precision, per_minute int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz; hour_begins timestamptz; day_begins timestamptz; hour_logged int; day_logged int;
  bucket_at timestamptz; refill double precision := per_minute / 60.0; assumptions int;
  organization uuid;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('hub_admit:' || who, 0));
  moment := clock_timestamp();
  hour_begins := date_trunc('hour', moment, 'UTC');
  day_begins := date_trunc('day', moment, 'UTC');
  WITH seeded AS (
    INSERT INTO credentials_admission (subject, at, id, assumed)
      SELECT who, moment - make_interval(secs => s.age_us / 1e6), s.id, s.is_open AND counted
      FROM unnest(ages_us, ids, still_open) s (age_us, id, is_open)
      ON CONFLICT DO NOTHING RETURNING assumed
  ) SELECT count(*) FILTER (WHERE assumed) INTO assumptions FROM seeded;
  IF bucket_tokens IS NOT NULL THEN
    -- each state bounds what is left now; the lower bound of the two is nearer to the truth
    bucket_at := moment - make_interval(secs => bucket_age_us / 1e6);
    INSERT INTO credentials_admission_bucket AS b VALUES (who, bucket_at, bucket_tokens)
      ON CONFLICT (subject) DO UPDATE SET at = excluded.at, tokens = excluded.tokens
      WHERE excluded.tokens - extract(epoch FROM excluded.at) * refill
        < b.tokens - extract(epoch FROM b.at) * refill;
  END IF;
  IF counted THEN
    IF who LIKE 'oauth\_%' THEN
      SELECT organization_id INTO organization FROM partners_apiclient WHERE id = substr(who, 7)::uuid;
      SELECT count(*) FILTER (WHERE r.created_at >= hour_begins), count(*) INTO hour_logged, day_logged
        FROM partner_api_requests r
        WHERE r.organization_id = organization AND r.key_id = who
          AND r.created_at >= day_begins AND r.response_status <> 429;
    ELSE
      SELECT count(*) FILTER (WHERE r.created_at >= hour_begins), count(*) INTO hour_logged, day_logged
        FROM partner_api_requests r
        WHERE r.partner_api_key_id = (SELECT k.id FROM partner_api_keys k WHERE k.key_id = who)
          AND r.created_at >= day_begins AND r.response_status <> 429;
    END IF;
    INSERT INTO credentials_admission_window AS w
      VALUES (who, '1 hour', hour_begins, greatest(hour_least, hour_logged) + assumptions),
             (who, '1 day', day_begins, greatest(day_least, day_logged) + assumptions)
      ON CONFLICT (subject, width, begins) DO UPDATE
        SET used = greatest(w.used, excluded.used - assumptions) + assumptions;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    """Hours and days of OAuth tokens go on from the request log when PostgreSQL takes over."""

    dependencies = [("credentials", "0012_assumed_admissions"), ("partners", "0009_api_client_version")]

    operations = [migrations.RunSQL(SEED, reverse_sql=migrations.RunSQL.noop)]
