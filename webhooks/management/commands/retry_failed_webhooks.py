"""Send failed webhooks again, from the shell."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from webhooks import dispatcher


class Command(BaseCommand):
    """One more attempt for each failed delivery, made here and now, with the same ids."""

    help = "Retry failed webhooks; prints total, successful, failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hours", type=int, default=24, help="failed within this time (24)")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = dispatcher.retry_failed(since=timezone.now() - timedelta(hours=options["hours"]))
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in counts.items()))
