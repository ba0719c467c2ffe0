from django.db import migrations

_TRIGGER = """
CREATE TRIGGER link_changed AFTER UPDATE ON partners_organization
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION rewards_link_changed();
"""


class Migration(migrations.Migration):
    """Links stop within a second when their organization is suspended (rewards/targets.py)."""

    dependencies = [("partners", "0009_api_client_version"), ("rewards", "0007_fewer_keys")]

    operations = [
        migrations.RunSQL(_TRIGGER, "DROP TRIGGER link_changed ON partners_organization"),
    ]
