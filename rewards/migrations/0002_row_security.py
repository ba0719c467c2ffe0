from django.db import migrations

from config.row_counts import CountedTable
from config.row_security import TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security, and the lists' totals, of campaigns and links."""

    dependencies = [("rewards", "0001_initial"), ("catalog", "0002_row_security")]

    operations = [
        TenantTable("rewards_campaign"),
        TenantTable("rewards_smartlink"),
        TenantForeignKey("rewards_campaign", "offer_id", "catalog_offer"),
        TenantForeignKey(
            "rewards_campaign", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"
        ),
        TenantForeignKey("rewards_smartlink", "campaign_id", "rewards_campaign"),
        CountedTable("rewards_campaign", state="status"),
        CountedTable("rewards_smartlink", state="status"),
    ]
