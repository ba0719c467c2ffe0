from django.db import migrations

from config.row_security import TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security of the jobs app."""

    dependencies = [("jobs", "0001_initial"), ("partners", "0002_row_security")]

    operations = [
        TenantTable("jobs_call"),
        TenantTable("async_jobs"),
        TenantForeignKey("jobs_call", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"),
        TenantForeignKey("jobs_call", "company_id", "partners_company", on_delete="CASCADE"),
        TenantForeignKey("jobs_call", "agent_id", "partners_agent", on_delete="SET NULL (agent_id)"),
        TenantForeignKey("async_jobs", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"),
        TenantForeignKey("async_jobs", "call_id", "jobs_call", on_delete="CASCADE"),
    ]
