from django.db import migrations, models


class Migration(migrations.Migration):
    """A client's OAuth tokens are refused by every process once its version has moved."""

    dependencies = [("partners", "0008_time_zone")]

    operations = [
        migrations.AddField(
            model_name="apiclient",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1, editable=False),
        ),
    ]
