"""`manage.py hub`: the commands of config/command_line."""

import sys
from argparse import REMAINDER, ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.command_line.app import run


class Command(BaseCommand):
    """Hands its arguments on as they are; exits with 0 (done), 1 (refused) or 2 (wrong usage)."""

    help = "Clients, keys, requests and deliveries from the shell: manage.py hub --help"
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(run(argv[2:]))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arguments", nargs=REMAINDER)

    def handle(self, *args: Any, **options: Any) -> None:
        code = run(options["arguments"])
        if code:
            sys.exit(code)
