import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# A claimed delivery's new version fits into its page, so that no index is written for it; the table is emptied
# and refilled all day, so it is vacuumed by what was sent and not by its size.
STORAGE = """
ALTER TABLE webhooks_delivery SET (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0
)
"""

LANES = """
SELECT set_config('hub.operator', 'on', true);
UPDATE webhooks_delivery SET occurred_at = created_at;
UPDATE webhooks_delivery SET lane = subscription_id
WHERE subscription_id IS NOT NULL AND status IN ('PENDING', 'RETRYING');
SELECT set_config('hub.operator', '', true)
"""

# The application role may not delete attempts; this it may, of one organization and inside its context.
ERASE = """
CREATE FUNCTION hub_erase_webhook_logs(organization uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE erased bigint;
BEGIN
  DELETE FROM webhook_logs WHERE organization_id = organization;
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END $$
"""


class Migration(migrations.Migration):
    """What dispatchers need: endpoints as lanes, order, pace, failures; fewer indexes; erasure."""

    dependencies = [
        ("partners", "0004_row_counts"),
        ("webhooks", "0004_subscription_options"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="occurred_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.RemoveIndex(
            model_name="delivery",
            name="delivery_open",
        ),
        migrations.AddField(
            model_name="subscription",
            name="failing_attempts",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="subscription",
            name="held_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="is_notice_due",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="subscription",
            name="paced_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="async_job_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="webhooks.event",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="partners.organization",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="subscription",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="webhooks.subscription",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status__in", ("PENDING", "RETRYING"))),
                fields=["organization", "lane", "next_attempt_at"],
                name="delivery_open",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status__in", ("PENDING", "RETRYING"))),
                fields=["lane", "occurred_at", "id"],
                name="delivery_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("async_job_id__isnull", False)),
                fields=["async_job_id"],
                name="delivery_of_job",
            ),
        ),
        migrations.RunSQL(STORAGE, reverse_sql="ALTER TABLE webhooks_delivery RESET (fillfactor)"),
        migrations.RunSQL(LANES, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(ERASE, reverse_sql="DROP FUNCTION hub_erase_webhook_logs"),
    ]
