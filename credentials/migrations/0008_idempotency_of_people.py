import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

# Answers kept so far are not sealed, and cannot be from here: their keys are free again.
FORGET = """
SELECT set_config('hub.operator', 'on', true);
DELETE FROM credentials_idempotencyrecord;
SELECT set_config('hub.operator', '', true);
"""


class Migration(migrations.Migration):
    """People's writes take idempotency keys; every stored answer is sealed."""

    dependencies = [
        ("credentials", "0007_key_governance"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(FORGET, reverse_sql=FORGET),
        migrations.RenameField("idempotencyrecord", "response_body", "response_sealed"),
        migrations.CreateModel(
            name="PersonIdempotencyRecord",
            fields=[
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("response_status", models.PositiveSmallIntegerField()),
                ("response_headers", models.JSONField(default=dict)),
                ("response_sealed", models.BinaryField()),
                ("expires_at", models.DateTimeField()),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("roles", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="person_idempotency_expiry")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "key"), name="person_idempotency_key_once")
                ],
            },
        ),
    ]
