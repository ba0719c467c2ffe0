from django.db import migrations

from config.row_security import TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security of the webhooks app."""

    dependencies = [("webhooks", "0001_initial")]

    operations = [
        TenantTable("webhooks_event"),
        TenantTable("webhooks_subscription"),
        TenantTable("webhooks_delivery"),
        TenantForeignKey("webhooks_event", "client_id", "partners_apiclient", on_delete="CASCADE"),
        TenantForeignKey("webhooks_subscription", "client_id", "partners_apiclient", on_delete="CASCADE"),
        TenantForeignKey("webhooks_delivery", "client_id", "partners_apiclient", on_delete="CASCADE"),
        TenantForeignKey("webhooks_delivery", "event_id", "webhooks_event", on_delete="CASCADE"),
        TenantForeignKey(
            "webhooks_delivery", "subscription_id", "webhooks_subscription", on_delete="CASCADE"
        ),
    ]
