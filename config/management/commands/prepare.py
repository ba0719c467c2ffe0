"""What `make run` needs of Django before it serves, in one process: migrate, then load the demo once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Safe to repeat."""

    help = "Migrate as the owner and load the demo data once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", database="owner", interactive=False, verbosity=0)
        call_command("load_demo", url=options["url"], even_without_debug=True, stdout=self.stdout)
