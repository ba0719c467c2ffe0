from django.db import migrations

# hub_admit and hub_admission_seed of 0009. What the store was still being asked about when it went counts as
# admitted; now that stands apart, so that a request which is decided here afterwards is not counted twice.
COUNTER = """
ALTER TABLE credentials_admission ADD COLUMN assumed boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION hub_admit(who text, per_minute int, per_hour int, per_day int, burst int,
    asked bigint,
    OUT outcome int, OUT allowed int, OUT remaining int, OUT reset_us bigint, OUT retry_us bigint,
    OUT day_remaining int, OUT at_us bigint, OUT tokens double precision, OUT hour_used int, OUT day_used int)
LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz; frees timestamptz; used int; bucket record;
  hour_begins timestamptz; day_begins timestamptz; withdrawn timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('hub_admit:' || who, 0));
  moment := clock_timestamp();
  at_us := extract(epoch FROM moment) * 1e6;
  hour_begins := date_trunc('hour', moment, 'UTC');
  day_begins := date_trunc('day', moment, 'UTC');
  remaining := 0; day_remaining := -1; retry_us := 0; tokens := -1; hour_used := 0; day_used := 0;
  IF asked IS NOT NULL THEN
    DELETE FROM credentials_admission a WHERE a.subject = who AND a.id = asked
      RETURNING CASE WHEN a.assumed THEN a.at END INTO withdrawn;
    -- what was assumed of this request is decided now
    UPDATE credentials_admission_window w SET used = w.used - 1
      WHERE w.subject = who AND w.begins <= withdrawn AND withdrawn < w.begins + w.width;
  END IF;
  IF per_hour > 0 THEN
    SELECT coalesce(max(w.used), 0) INTO hour_used FROM credentials_admission_window w
      WHERE w.subject = who AND w.width = '1 hour' AND w.begins = hour_begins;
    IF hour_used >= per_hour THEN
      outcome := -2; allowed := per_hour; frees := hour_begins + interval '1 hour';
    END IF;
  END IF;
  IF outcome IS NULL AND per_day > 0 THEN
    SELECT coalesce(max(w.used), 0) INTO day_used FROM credentials_admission_window w
      WHERE w.subject = who AND w.width = '1 day' AND w.begins = day_begins;
    day_remaining := per_day - day_used;
    IF day_remaining <= 0 THEN
      outcome := -3; allowed := per_day; day_remaining := 0; frees := day_begins + interval '1 day';
    END IF;
  END IF;
  IF outcome IS NULL AND burst > 0 THEN
    allowed := per_minute; tokens := burst;
    SELECT b.at, b.tokens AS left_over INTO bucket FROM credentials_admission_bucket b WHERE b.subject = who;
    IF FOUND THEN
      tokens := least(burst, bucket.left_over + extract(epoch FROM moment - bucket.at) * per_minute / 60.0);
    END IF;
    IF tokens < 1 THEN
      outcome := -1; frees := moment + make_interval(secs => (1 - tokens) * 60.0 / per_minute);
    ELSE
      tokens := tokens - 1; remaining := floor(tokens);
      reset_us := extract(epoch FROM moment) * 1e6 + (burst - tokens) * 60e6 / per_minute;
      INSERT INTO credentials_admission_bucket VALUES (who, moment, hub_admit.tokens)
        ON CONFLICT (subject) DO UPDATE SET at = excluded.at, tokens = excluded.tokens;
    END IF;
  ELSIF outcome IS NULL THEN
    allowed := per_minute;
    DELETE FROM credentials_admission a WHERE a.subject = who AND a.at <= moment - interval '1 minute';
    SELECT count(*) INTO used FROM credentials_admission a WHERE a.subject = who;
    IF used >= per_minute THEN
      -- after a limit was lowered more than one must leave first
      SELECT a.at + interval '1 minute' INTO frees FROM credentials_admission a WHERE a.subject = who
        ORDER BY a.at OFFSET used - per_minute LIMIT 1;
      outcome := -1;
    ELSE
      INSERT INTO credentials_admission (subject, at, id) VALUES (who, moment, asked);
      remaining := per_minute - used - 1;
      SELECT extract(epoch FROM min(a.at) + interval '1 minute') * 1e6 INTO reset_us
        FROM credentials_admission a WHERE a.subject = who;
    END IF;
  END IF;
  IF outcome IS NOT NULL THEN
    reset_us := extract(epoch FROM frees) * 1e6;
    retry_us := extract(epoch FROM frees - moment) * 1e6;
    RETURN;
  END IF;
  outcome := 1;
  INSERT INTO credentials_admission_window AS w
    SELECT who, width, begins, 1 FROM (VALUES (interval '1 hour', hour_begins, per_hour),
                                              (interval '1 day', day_begins, per_day)) v (width, begins, most)
    WHERE most > 0
    ON CONFLICT (subject, width, begins) DO UPDATE SET used = w.used + 1;
  IF per_hour > 0 THEN hour_used := hour_used + 1; END IF;
  IF per_day > 0 THEN day_used := day_used + 1; day_remaining := day_remaining - 1; END IF;
END $$;

DROP FUNCTION hub_admission_seed(text, bigint[], bigint[], boolean, int, int, bigint, double precision, int);

-- What the store had admitted of `who`: the minute's ages and ids, which of them it was still asked about,
-- uses of the present hour and day without those by the caller's own knowledge, and a state of the bucket.
-- Taking the same in twice counts it once. The request log (in the operator's context) knows the hour and the
-- day up to its last second.
CREATE FUNCTION hub_admission_seed(who text, ages_us bigint[], ids bigint[], still_open boolean[],
    counted boolean,
    hour_least int, day_least int, bucket_age_us bigint, bucket_tokens double precision, per_minute int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz; hour_begins timestamptz; day_begins timestamptz; hour_logged int; day_logged int;
  bucket_at timestamptz; refill double precision := per_minute / 60.0; assumptions int;
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
    SELECT count(*) FILTER (WHERE r.created_at >= hour_begins), count(*) INTO hour_logged, day_logged
      FROM partner_api_requests r
      WHERE r.partner_api_key_id = (SELECT k.id FROM partner_api_keys k WHERE k.key_id = who)
        AND r.created_at >= day_begins AND r.response_status <> 429;
    INSERT INTO credentials_admission_window AS w
      VALUES (who, '1 hour', hour_begins, greatest(hour_least, hour_logged) + assumptions),
             (who, '1 day', day_begins, greatest(day_least, day_logged) + assumptions)
      ON CONFLICT (subject, width, begins) DO UPDATE
        SET used = greatest(w.used, excluded.used - assumptions) + assumptions;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    """A request the store did not answer counts once where PostgreSQL decides it."""

    dependencies = [("credentials", "0011_api_clients")]

    operations = [migrations.RunSQL(COUNTER, reverse_sql=migrations.RunSQL.noop)]
