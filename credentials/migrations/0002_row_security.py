from django.db import migrations

from config.row_security import TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security of the credentials app."""

    dependencies = [("credentials", "0001_initial"), ("partners", "0002_row_security")]

    operations = [
        TenantTable("partner_api_keys"),
        TenantTable("partner_api_key_secrets"),
        TenantTable("credentials_idempotencyrecord"),
        TenantForeignKey("partner_api_keys", "client_id", "partners_apiclient", on_delete="CASCADE"),
        TenantForeignKey("partner_api_keys", "company_id", "partners_company", on_delete="CASCADE"),
        TenantForeignKey("partner_api_key_secrets", "api_key_id", "partner_api_keys", on_delete="CASCADE"),
        TenantForeignKey(
            "credentials_idempotencyrecord", "client_id", "partners_apiclient", on_delete="CASCADE"
        ),
    ]
