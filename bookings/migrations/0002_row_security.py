from django.db import migrations

from config.row_counts import CountedTable
from config.row_security import TenantForeignKey, TenantTable


class Migration(migrations.Migration):
    """Row-level security, and the list's total, of the bookings app."""

    dependencies = [("bookings", "0001_initial"), ("partners", "0005_api_clients")]

    operations = [
        TenantTable("bookings_resource"),
        TenantTable("bookings_booking"),
        TenantTable("bookings_bookingchange"),
        TenantForeignKey(
            "bookings_booking", "client_id", "partners_apiclient", on_delete="SET NULL (client_id)"
        ),
        TenantForeignKey("bookings_booking", "resource_id", "bookings_resource"),
        TenantForeignKey("bookings_bookingchange", "booking_id", "bookings_booking", on_delete="CASCADE"),
        CountedTable("bookings_booking", state="status"),
    ]
