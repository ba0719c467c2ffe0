import django.contrib.postgres.fields
import orjson
from django.db import migrations, models

from config.encryption import seal, unseal

_PURPOSE = "subscription-headers"


def _subscriptions(apps, schema_editor):
    """Every organization's subscriptions: the owner is held by row-level security too."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.operator', 'on', true)")
    return apps.get_model("webhooks", "Subscription").objects.using(schema_editor.connection.alias)


def seal_headers(apps, schema_editor):
    rows = _subscriptions(apps, schema_editor)
    for row in rows.exclude(custom_headers={}).only("custom_headers").iterator():
        rows.filter(pk=row.pk).update(
            custom_header_names=list(row.custom_headers),
            custom_headers_sealed=seal(orjson.dumps(row.custom_headers), purpose=_PURPOSE),
        )


def open_headers(apps, schema_editor):
    rows = _subscriptions(apps, schema_editor)
    for row in rows.exclude(custom_headers_sealed=b"").only("custom_headers_sealed").iterator():
        headers = orjson.loads(unseal(row.custom_headers_sealed, purpose=_PURPOSE))
        rows.filter(pk=row.pk).update(custom_headers=headers)


class Migration(migrations.Migration):
    """The headers of a subscription's own are sealed; their names stay readable."""

    dependencies = [("webhooks", "0006_replays_and_bins")]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="custom_header_names",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=64), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="subscription",
            name="custom_headers_sealed",
            field=models.BinaryField(default=bytes),
        ),
        migrations.RunPython(seal_headers, open_headers),
        migrations.RemoveField(model_name="subscription", name="custom_headers"),
    ]
