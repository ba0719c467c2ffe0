"""Exact row counts of tenant tables whose reading costs the same at any size.

Triggers keep one number per table, organization, environment, state and slot. A writing transaction holds
one of the slots, so that writers neither wait for each other nor deadlock over a number, and the count is
the sum of at most SLOTS rows.
"""

from django.db.migrations.operations import RunSQL

SLOTS = 64

_TABLE = f"""
CREATE TABLE hub_row_count (
  organization_id uuid NOT NULL,
  environment text NOT NULL,
  counted_table text NOT NULL,
  state text NOT NULL,
  slot smallint NOT NULL,
  row_count bigint NOT NULL,
  PRIMARY KEY (organization_id, environment, counted_table, state, slot)
) WITH (fillfactor = 50);

CREATE FUNCTION hub_counting_slot() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  kind CONSTANT int := hashtext('hub_counting_slot');
  mine CONSTANT int := pg_backend_pid() % {SLOTS};
BEGIN
  FOR step IN 0..{SLOTS - 1} LOOP
    IF pg_try_advisory_xact_lock(kind, (mine + step) % {SLOTS}) THEN RETURN (mine + step) % {SLOTS}; END IF;
  END LOOP;
  PERFORM pg_advisory_xact_lock(kind, mine);
  RETURN mine;
END $$;
"""


class RowCounts(RunSQL):
    """Create the table of counts and the function that hands out slots."""

    def __init__(self) -> None:
        super().__init__(_TABLE, reverse_sql=RunSQL.noop)


class CountedTable(RunSQL):
    """Keep the counts of `table` (a tenant table with an environment) by its column `state`."""

    def __init__(self, table: str, *, state: str) -> None:
        group = f"organization_id, environment, {state}"

        def add(changes: str) -> str:
            return f"""
    INSERT INTO hub_row_count AS held
    SELECT organization_id, environment, '{table}', {state}, hub_counting_slot(), sum(change)
    FROM ({changes}) AS changes GROUP BY {group} HAVING sum(change) <> 0 ORDER BY {group}
    ON CONFLICT (organization_id, environment, counted_table, state, slot)
    DO UPDATE SET row_count = held.row_count + excluded.row_count;"""  # noqa: S608 (names of our own)

        entered = f"SELECT {group}, 1 AS change FROM entered"  # noqa: S608
        gone = f"SELECT {group}, -1 AS change FROM gone"  # noqa: S608
        super().__init__(
            f"""
CREATE FUNCTION {table}_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN {add(entered)}
  ELSIF TG_OP = 'DELETE' THEN {add(gone)}
  ELSE {add(f"{entered} UNION ALL {gone}")}
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER count_inserted AFTER INSERT ON {table}
  REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION {table}_count();
CREATE TRIGGER count_deleted AFTER DELETE ON {table}
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION {table}_count();
CREATE TRIGGER count_moved AFTER UPDATE ON {table}
  REFERENCING OLD TABLE AS gone NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION {table}_count();
DO $$ BEGIN
  PERFORM set_config('hub.operator', 'on', true);
  INSERT INTO hub_row_count SELECT organization_id, environment, '{table}', {state}, 0, count(*)
    FROM {table} GROUP BY {group};
  PERFORM set_config('hub.operator', '', true);
END $$;
""",  # noqa: S608
            reverse_sql=RunSQL.noop,
        )
