from django.db import migrations

from config.partitions import PartitionFunctions
from config.row_security import AppendOnly, TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security of the partners app, and the functions that partition logs by day."""

    dependencies = [("partners", "0001_initial")]

    operations = [
        TenantTable("partners_organization", environment=False, organization_column="id"),
        TenantTable("partners_membership", environment=False),
        TenantTable("partners_auditentry", environment=False),
        TenantTable("partners_apiclient"),
        TenantTable("partners_company"),
        TenantTable("partners_agent"),
        TenantForeignKey("partners_agent", "company_id", "partners_company", on_delete="CASCADE"),
        AppendOnly("partners_auditentry"),
        PartitionFunctions(),
    ]
