from django.db import migrations

from config.row_counts import RowCounts
from config.row_security import TenantTable


class Migration(migrations.Migration):
    """Where tenant tables keep their exact row counts."""

    dependencies = [("partners", "0003_audit_chain")]

    operations = [RowCounts(), TenantTable("hub_row_count", key=False)]
