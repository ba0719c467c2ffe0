from django.db import migrations, models

# Few rows have a person, and each such row is found by it: the index leaves the others out.
PERSON = """
ALTER TABLE partner_api_requests ADD COLUMN user_id uuid;
CREATE INDEX partner_api_requests_user ON partner_api_requests (user_id, created_at DESC, id DESC)
    WHERE user_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    """The request log says which person called with an access token."""

    dependencies = [("credentials", "0015_pipeline_scopes")]

    operations = [
        migrations.RunSQL(
            PERSON,
            reverse_sql="ALTER TABLE partner_api_requests DROP COLUMN user_id",
            state_operations=[
                migrations.AddField("requestlog", "user_id", models.UUIDField(null=True)),
            ],
        ),
    ]
