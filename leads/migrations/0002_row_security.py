from django.db import migrations

from config.row_security import TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security of the leads app."""

    dependencies = [("leads", "0001_initial"), ("partners", "0002_row_security")]

    operations = [
        TenantTable("leads_lead"),
        TenantForeignKey("leads_lead", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"),
        TenantForeignKey(
            "leads_lead", "duplicate_of_id", "leads_lead", on_delete="SET NULL (duplicate_of_id)"
        ),
    ]
