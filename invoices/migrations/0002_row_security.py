from django.db import migrations

from config.row_counts import CountedTable
from config.row_security import TenantForeignKey, TenantTable

_UNCHANGED = """
CREATE FUNCTION invoices_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what is issued is not changed' USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_unchanged';
END $$;
CREATE TRIGGER invoice_unchanged BEFORE UPDATE ON invoices_invoice FOR EACH ROW
  WHEN ((to_jsonb(NEW) - ARRAY['status', 'paid_minor', 'credited_minor', 'updated_at', 'client_id'])
    <> (to_jsonb(OLD) - ARRAY['status', 'paid_minor', 'credited_minor', 'updated_at', 'client_id']))
  EXECUTE FUNCTION invoices_refuse();
CREATE TRIGGER invoice_kept BEFORE DELETE ON invoices_invoice FOR EACH ROW EXECUTE FUNCTION invoices_refuse();
CREATE TRIGGER invoice_line_unchanged BEFORE UPDATE OR DELETE ON invoices_invoiceline FOR EACH ROW
  EXECUTE FUNCTION invoices_refuse();
CREATE TRIGGER payment_unchanged BEFORE UPDATE OR DELETE ON invoices_payment FOR EACH ROW
  EXECUTE FUNCTION invoices_refuse();

-- An invoice's lines come in one statement, and are what it comes to: none can be added to it later.
CREATE FUNCTION invoices_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM invoices_invoice i
    JOIN (SELECT DISTINCT invoice_id FROM entered) e ON e.invoice_id = i.id
    JOIN LATERAL (
      SELECT sum(subtotal_minor) AS subtotal, sum(tax_minor) AS tax FROM invoices_invoiceline
      WHERE invoice_id = i.id
    ) l ON true
    WHERE l.subtotal <> i.subtotal_minor OR l.tax <> i.tax_minor
  ) THEN
    RAISE EXCEPTION 'the lines do not add up' USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_adds_up';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invoice_adds_up AFTER INSERT ON invoices_invoiceline REFERENCING NEW TABLE AS entered
  FOR EACH STATEMENT EXECUTE FUNCTION invoices_add_up();
"""


class Migration(migrations.Migration):
    """Row-level security, the list's total, and that what is issued stays as it is and adds up."""

    dependencies = [("invoices", "0001_initial"), ("partners", "0008_time_zone")]

    operations = [
        TenantTable("invoices_profile"),
        TenantTable("invoices_series"),
        TenantTable("invoices_invoice"),
        TenantTable("invoices_invoiceline"),
        TenantTable("invoices_payment"),
        TenantForeignKey(
            "invoices_invoice", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"
        ),
        TenantForeignKey("invoices_invoice", "corrects_id", "invoices_invoice"),
        TenantForeignKey("invoices_invoiceline", "invoice_id", "invoices_invoice"),
        TenantForeignKey("invoices_invoiceline", "corrects_id", "invoices_invoiceline"),
        TenantForeignKey("invoices_payment", "invoice_id", "invoices_invoice"),
        CountedTable("invoices_invoice", state="status"),
        migrations.RunSQL(_UNCHANGED, migrations.RunSQL.noop),
    ]
