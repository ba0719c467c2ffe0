from django.db import migrations

from config.row_security import AppendOnly, TenantForeignKey, TenantTable

# What partner_requests/services/lifecycle.py allows, whoever writes.
TRANSITIONS = """
CREATE FUNCTION hub_partner_request_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status IS DISTINCT FROM OLD.status AND (OLD.status, NEW.status) NOT IN (
    ('SUBMITTED', 'PROCESSING'), ('SUBMITTED', 'COMPLETED'), ('SUBMITTED', 'FAILED'),
    ('PROCESSING', 'COMPLETED'), ('PROCESSING', 'FAILED'), ('FAILED', 'PROCESSING')
  ) THEN
    RAISE EXCEPTION 'a partner request cannot go from % to %', OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER partner_request_transition BEFORE UPDATE OF status ON partner_requests_partnerrequest
  FOR EACH ROW EXECUTE FUNCTION hub_partner_request_transition()
"""


class Migration(migrations.Migration):
    """Row-level security of partner requests; their statuses' order; a history that is only added to."""

    dependencies = [("partner_requests", "0001_initial"), ("partners", "0002_row_security")]

    operations = [
        TenantTable("partner_requests_partnerrequest"),
        TenantTable("partner_requests_transition"),
        TenantTable("partner_requests_onboarding"),
        TenantForeignKey(
            "partner_requests_partnerrequest", "client_id", "partners_apiclient", on_delete="CASCADE"
        ),
        TenantForeignKey(
            "partner_requests_transition",
            "partner_request_id",
            "partner_requests_partnerrequest",
            on_delete="CASCADE",
        ),
        TenantForeignKey(
            "partner_requests_onboarding", "client_id", "partners_apiclient", on_delete="CASCADE"
        ),
        AppendOnly("partner_requests_transition"),
        migrations.RunSQL(
            TRANSITIONS,
            reverse_sql="DROP TRIGGER partner_request_transition ON partner_requests_partnerrequest;"
            " DROP FUNCTION hub_partner_request_transition()",
        ),
    ]
