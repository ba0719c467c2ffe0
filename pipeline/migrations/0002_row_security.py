from django.db import migrations

from config.row_counts import CountedTable
from config.row_security import AppendOnly, TenantForeignKey, TenantTable

_TABLES = (
    "roster", "desk", "assignment", "quote", "proposal", "policyseries", "policy", "change", "export",
)  # fmt: skip
_LISTED = ("assignment", "quote", "proposal", "policy")

# What a line says it comes to, summed; the table's own check, so that no code can store another total.
_LINES = """
CREATE FUNCTION pipeline_lines_sum(lines jsonb, field text) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(sum((line ->> field)::numeric), 0) FROM jsonb_array_elements(lines) AS line
$$;
"""
_TOTALS = """
ALTER TABLE {table} ADD CONSTRAINT {table}_lines CHECK (
  subtotal_minor = pipeline_lines_sum(lines, 'subtotalMinor') AND tax_minor = pipeline_lines_sum(lines, 'taxMinor')
  AND total_minor = pipeline_lines_sum(lines, 'totalMinor'));
"""
_KEPT = """
CREATE FUNCTION pipeline_policy_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a policy is never deleted, nor numbered anew' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER policy_kept BEFORE DELETE ON pipeline_policy FOR EACH ROW EXECUTE FUNCTION pipeline_policy_kept();
CREATE TRIGGER policy_number_kept BEFORE UPDATE ON pipeline_policy FOR EACH ROW
  WHEN (NEW.number <> OLD.number) EXECUTE FUNCTION pipeline_policy_kept();
"""


class Migration(migrations.Migration):
    """Row-level security, totals of lists and of lines, and that history and policies stay."""

    dependencies = [("pipeline", "0001_initial"), ("jobs", "0006_checklists")]

    operations = [
        *(TenantTable(f"pipeline_{name}") for name in _TABLES),
        TenantForeignKey("pipeline_desk", "agent_id", "partners_agent", on_delete="CASCADE"),
        TenantForeignKey("pipeline_export", "job_id", "async_jobs", on_delete="SET NULL (job_id)"),
        *(
            TenantForeignKey(
                f"pipeline_{name}", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"
            )
            for name in (*_LISTED, "export")
        ),
        *(TenantForeignKey(f"pipeline_{name}", "lead_id", "leads_lead") for name in _LISTED),
        *(
            TenantForeignKey(
                f"pipeline_{name}", "agent_id", "partners_agent", on_delete="SET NULL (agent_id)"
            )
            for name in _LISTED
        ),
        TenantForeignKey("pipeline_assignment", "previous_id", "pipeline_assignment"),
        TenantForeignKey("pipeline_quote", "supersedes_id", "pipeline_quote"),
        TenantForeignKey("pipeline_proposal", "quote_id", "pipeline_quote"),
        TenantForeignKey("pipeline_policy", "proposal_id", "pipeline_proposal"),
        *(CountedTable(f"pipeline_{name}", state="status") for name in _LISTED),
        AppendOnly("pipeline_change"),
        migrations.RunSQL(_LINES, migrations.RunSQL.noop),
        migrations.RunSQL(_TOTALS.format(table="pipeline_quote"), migrations.RunSQL.noop),
        migrations.RunSQL(_TOTALS.format(table="pipeline_proposal"), migrations.RunSQL.noop),
        migrations.RunSQL(_KEPT, migrations.RunSQL.noop),
    ]
