from django.db import migrations

from config.row_security import TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security of the storefronts app."""

    dependencies = [("storefronts", "0001_initial"), ("partners", "0005_api_clients")]

    operations = [
        TenantTable("storefronts_publishablekey"),
        TenantTable("storefronts_site"),
        TenantTable("storefronts_sitepicture"),
        TenantTable("storefronts_sitedomain"),
        TenantTable("storefronts_sitepage"),
        TenantTable("storefronts_navigationitem"),
        TenantForeignKey(
            "storefronts_publishablekey", "client_id", "partners_apiclient", on_delete="CASCADE"
        ),
        TenantForeignKey("storefronts_site", "client_id", "partners_apiclient", on_delete="CASCADE"),
        TenantForeignKey("storefronts_sitepicture", "site_id", "storefronts_site", on_delete="CASCADE"),
        TenantForeignKey("storefronts_sitedomain", "site_id", "storefronts_site", on_delete="CASCADE"),
        TenantForeignKey("storefronts_sitepage", "site_id", "storefronts_site", on_delete="CASCADE"),
        TenantForeignKey("storefronts_navigationitem", "site_id", "storefronts_site", on_delete="CASCADE"),
        TenantForeignKey(
            "storefronts_navigationitem", "page_id", "storefronts_sitepage", on_delete="CASCADE"
        ),
    ]
