from django.db import migrations

# The limit script's rules (credentials/limits.py) in PostgreSQL, for when the store does not answer.
COUNTER = """
CREATE UNLOGGED TABLE credentials_admission (subject text NOT NULL, at timestamptz NOT NULL);
CREATE INDEX credentials_admission_subject ON credentials_admission (subject, at);
CREATE UNLOGGED TABLE credentials_admission_window (
    subject text, width interval, begins timestamptz, used int NOT NULL, PRIMARY KEY (subject, width, begins));
CREATE UNLOGGED TABLE credentials_admission_bucket (
    subject text PRIMARY KEY, at timestamptz NOT NULL, tokens double precision NOT NULL);

CREATE FUNCTION hub_admit(who text, per_minute int, per_hour int, per_day int, burst int,
    OUT outcome int, OUT allowed int, OUT remaining int, OUT reset_us bigint, OUT retry_us bigint,
    OUT day_remaining int)
LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz; frees timestamptz; used int; tokens double precision; bucket record;
  hour_begins timestamptz; day_begins timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('hub_admit:' || who, 0));
  moment := clock_timestamp();
  hour_begins := date_trunc('hour', moment, 'UTC');
  day_begins := date_trunc('day', moment, 'UTC');
  remaining := 0; day_remaining := -1; retry_us := 0;
  IF per_hour > 0 THEN
    SELECT w.used INTO used FROM credentials_admission_window w
      WHERE w.subject = who AND w.width = '1 hour' AND w.begins = hour_begins;
    IF coalesce(used, 0) >= per_hour THEN
      outcome := -2; allowed := per_hour; frees := hour_begins + interval '1 hour';
    END IF;
  END IF;
  IF outcome IS NULL AND per_day > 0 THEN
    SELECT w.used INTO used FROM credentials_admission_window w
      WHERE w.subject = who AND w.width = '1 day' AND w.begins = day_begins;
    day_remaining := per_day - coalesce(used, 0);
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
      INSERT INTO credentials_admission_bucket VALUES (who, moment, tokens)
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
      INSERT INTO credentials_admission VALUES (who, moment);
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
  IF per_day > 0 THEN day_remaining := day_remaining - 1; END IF;
END $$;
"""


class Migration(migrations.Migration):
    """The counter that takes over when the limit store does not answer."""

    dependencies = [("credentials", "0004_request_signing")]

    operations = [migrations.RunSQL(COUNTER, reverse_sql=migrations.RunSQL.noop)]
