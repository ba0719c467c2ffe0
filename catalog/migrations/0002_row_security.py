from django.db import migrations
from django.db.migrations.operations import RunSQL

from config.row_security import TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security of the catalogue, and the brand's name that an offer carries."""

    dependencies = [
        ("catalog", "0001_initial"),
        ("jobs", "0002_row_security"),
        ("partners", "0002_row_security"),
    ]

    operations = [
        TenantTable("catalog_affiliatenetwork"),
        TenantTable("catalog_brand"),
        TenantTable("catalog_offer"),
        TenantTable("catalog_catalogversion"),
        TenantTable("catalog_catalogsync"),
        TenantTable("catalog_catalogsyncdifference"),
        TenantTable("catalog_catalogsyncfailure"),
        TenantForeignKey("catalog_brand", "network_id", "catalog_affiliatenetwork"),
        TenantForeignKey("catalog_offer", "network_id", "catalog_affiliatenetwork"),
        RunSQL(
            "ALTER TABLE catalog_brand ADD CONSTRAINT catalog_brand_named_key"
            " UNIQUE (organization_id, environment, id, name)",
            reverse_sql=RunSQL.noop,
        ),
        RunSQL(
            "ALTER TABLE catalog_offer ADD CONSTRAINT catalog_offer_brand_id_tenant_fk"
            " FOREIGN KEY (organization_id, environment, brand_id, brand_name)"
            " REFERENCES catalog_brand (organization_id, environment, id, name)"
            " ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED",
            reverse_sql="ALTER TABLE catalog_offer DROP CONSTRAINT catalog_offer_brand_id_tenant_fk",
        ),
        TenantForeignKey(
            "catalog_catalogsync", "network_id", "catalog_affiliatenetwork", on_delete="CASCADE"
        ),
        TenantForeignKey("catalog_catalogsync", "job_id", "async_jobs", on_delete="SET NULL (job_id)"),
        TenantForeignKey(
            "catalog_catalogsyncdifference", "sync_id", "catalog_catalogsync", on_delete="CASCADE"
        ),
        TenantForeignKey("catalog_catalogsyncdifference", "offer_id", "catalog_offer", on_delete="CASCADE"),
        TenantForeignKey("catalog_catalogsyncfailure", "sync_id", "catalog_catalogsync", on_delete="CASCADE"),
    ]
