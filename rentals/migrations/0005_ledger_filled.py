from django.db import migrations

_FILL = (
    "SELECT set_config('hub.operator', 'on', true)",
    "SELECT rentals_ledger_rebuild(organization_id) FROM rentals_allocation GROUP BY organization_id",
    "SELECT set_config('hub.operator', '', true)",
)


class Migration(migrations.Migration):
    """What was taken before there was a ledger; by itself, since its rows must be committed with their table."""

    dependencies = [("rentals", "0004_daily_ledger")]

    operations = [migrations.RunSQL(_FILL, migrations.RunSQL.noop)]
