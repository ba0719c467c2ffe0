"""Roll the request log up anew: after an upgrade from a version without roll-ups, or after a doubt."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from credentials.rollups import day_rebuild


class Command(BaseCommand):
    """Safe to repeat, and while the hub serves. A day whose log was cleaned keeps its roll-up."""

    help = "Fill usage by hour and by day from the request log's rows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=int, default=settings.LOG_RETENTION_DAYS, help="how many days back to begin"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        today = datetime.now(UTC).date()
        days, rows = 0, 0
        for back in range(options["days"], -1, -1):
            day = today - timedelta(days=back)
            found = day_rebuild(day)
            if found is None:
                self.stdout.write(f"{day}: kept as it is, its log was cleaned.")
            elif found:
                days, rows = days + 1, rows + found
        self.stdout.write(f"{rows} requests of {days} days rolled up.")
