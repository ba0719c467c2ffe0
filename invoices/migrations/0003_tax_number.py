from django.db import migrations, models


class Migration(migrations.Migration):
    """The seller's tax number, which electronic invoices name."""

    dependencies = [("invoices", "0002_row_security")]

    operations = [
        migrations.AddField(
            model_name="profile",
            name="tax_number",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
    ]
