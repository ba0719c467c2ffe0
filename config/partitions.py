"""Logs partitioned by day: dropping a partition is the clean-up.

The application role may not run DDL, so two functions of the owner's (SECURITY DEFINER) do it for the
tables registered in `hub_partitioned_table`, and for no other.
"""

from datetime import date

from django.db import connection
from django.db.migrations.operations import RunSQL

from config.row_security import revoke

DAYS_AHEAD = 3

_FUNCTIONS = """
CREATE TABLE hub_partitioned_table (name text PRIMARY KEY);
REVOKE ALL ON hub_partitioned_table FROM PUBLIC;

CREATE FUNCTION hub_prepare_partitions(days_ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE parent text; day date; partition text; made int := 0;
BEGIN
  -- one at a time, or two schedulers would race for the same CREATE
  PERFORM pg_advisory_xact_lock(hashtext('hub_prepare_partitions'));
  FOR parent IN SELECT name FROM hub_partitioned_table LOOP
    FOR day IN SELECT generate_series((now() AT TIME ZONE 'UTC')::date - 1,
                                      (now() AT TIME ZONE 'UTC')::date + days_ahead, '1 day')::date LOOP
      partition := parent || '_' || to_char(day, 'YYYYMMDD');
      IF to_regclass(partition) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', partition, parent,
                       day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
        -- without a policy of its own a partition shows nothing when it is named directly
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', partition);
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

CREATE FUNCTION hub_drop_partitions(parent_name text, before date) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE partition text; dropped int := 0;
BEGIN
  IF NOT EXISTS (SELECT FROM hub_partitioned_table WHERE name = parent_name) THEN
    RAISE EXCEPTION '% is not partitioned by day', parent_name;
  END IF;
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = parent_name::regclass AND c.relname ~ '_[0-9]{8}$'
      AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
  LOOP
    EXECUTE format('DROP TABLE %I', partition);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;
"""


class PartitionFunctions(RunSQL):
    """Create the two functions and the register of partitioned tables."""

    def __init__(self) -> None:
        # a register that the application role could write would let it drop any table
        super().__init__([_FUNCTIONS, revoke(("hub_partitioned_table",), "ALL")], reverse_sql=RunSQL.noop)


class PartitionByDay(RunSQL):
    """Register `table` (PARTITION BY RANGE (created_at)) and make its partitions around today.

    A default partition takes rows whose day has none, so an insert is never refused.
    """

    def __init__(self, table: str) -> None:
        super().__init__(
            [
                f"INSERT INTO hub_partitioned_table VALUES ('{table}')",  # noqa: S608 (ours)
                f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT",
                f"ALTER TABLE {table}_default ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {table}_default FORCE ROW LEVEL SECURITY",
                f"SELECT hub_prepare_partitions({DAYS_AHEAD})",
            ],
            reverse_sql=RunSQL.noop,
        )


def partitions_prepare(*, days_ahead: int = DAYS_AHEAD) -> int:
    """Make the missing partitions from yesterday to `days_ahead`; answers how many were made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT hub_prepare_partitions(%s)", [days_ahead])
        return cursor.fetchone()[0]


def partitions_drop(*, table: str, before: date) -> int:
    """Drop the partitions of days before `before`; answers how many were dropped."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT hub_drop_partitions(%s, %s)", [table, before])
        return cursor.fetchone()[0]
