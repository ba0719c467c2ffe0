from django.db import migrations

from config.row_counts import CountedTable


class Migration(migrations.Migration):
    """The list of leads says its total without counting."""

    dependencies = [("leads", "0002_row_security"), ("partners", "0004_row_counts")]

    operations = [CountedTable("leads_lead", state="status")]
