import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

from config.row_security import TenantForeignKey, TenantTable

# A lane empties and fills all day: vacuumed by what was done, and beats stay on their page.
STORAGE = """
ALTER TABLE async_jobs SET (
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.05
)
"""


class Migration(migrations.Migration):
    """A row for each attempt; lanes by organization; what a type promises, and when it was missed."""

    dependencies = [
        ("jobs", "0002_row_security"),
        ("partners", "0005_api_clients"),
    ]

    operations = [
        migrations.CreateModel(
            name="JobAttempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        choices=[("sandbox", "Sandbox"), ("production", "Production")],
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("number", models.PositiveSmallIntegerField()),
                ("worker", models.CharField(max_length=120)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("error", "Error"),
                            ("timeout", "Timed out"),
                            ("memory_exceeded", "Memory exceeded"),
                            ("crashed", "Crashed"),
                            ("worker_lost", "Worker lost"),
                            ("canceled", "Canceled"),
                        ],
                        default="running",
                        max_length=20,
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_message", models.CharField(blank=True, max_length=500)),
                ("peak_memory_bytes", models.PositiveBigIntegerField(null=True)),
                ("cpu_s", models.FloatField(null=True)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="job",
            name="job_unsettled",
        ),
        migrations.AddField(
            model_name="job",
            name="sla_breached_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="sla_due_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("status__in", ("queued", "processing"))),
                fields=["queue", "organization", "due_at"],
                name="job_lane",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("status", "failed")),
                fields=["-completed_at", "-id"],
                name="job_dead_letter",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(
                    ("sla_breached_at__isnull", True), ("status__in", ("queued", "processing"))
                ),
                fields=["sla_due_at"],
                name="job_sla",
            ),
        ),
        migrations.AddField(
            model_name="jobattempt",
            name="job",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="jobs.job",
            ),
        ),
        migrations.AddField(
            model_name="jobattempt",
            name="organization",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="partners.organization",
            ),
        ),
        migrations.AddConstraint(
            model_name="jobattempt",
            constraint=models.UniqueConstraint(fields=("job", "number"), name="job_attempt_number"),
        ),
        migrations.AddConstraint(
            model_name="jobattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("outcome", "running")),
                    models.Q(models.Q(("outcome", "running"), _negated=True), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="job_attempt_ended",
            ),
        ),
        TenantTable("jobs_jobattempt"),
        TenantForeignKey("jobs_jobattempt", "job_id", "async_jobs", on_delete="CASCADE"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
