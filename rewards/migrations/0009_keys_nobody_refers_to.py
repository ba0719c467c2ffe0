from django.db import migrations

# A key of the tenant's is there for other tables' foreign keys; each is an index that every insert pays for.
_KEYS = """
ALTER TABLE rewards_conversionchange DROP CONSTRAINT rewards_conversionchange_tenant_key;
ALTER TABLE rewards_reward DROP CONSTRAINT rewards_reward_tenant_key;
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0008_suspended_organizations")]

    operations = [migrations.RunSQL(_KEYS, migrations.RunSQL.noop)]
