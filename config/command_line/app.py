"""The commands together, and what their faults become: one sentence and an exit code, never a traceback."""

from collections.abc import Sequence

import structlog
import typer
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from config.api.errors import as_domain_error
from config.command_line import clients, deliveries, keys, requests
from config.command_line.output import print_fault

log = structlog.get_logger(__name__)

# What a shell may rely on: docs/command-line.md.
DONE, REFUSED, USAGE = 0, 1, 2
_QUIET = frozenset({"retryable"})

hub = typer.Typer(
    help="Partner Hub from the shell: clients, keys, requests and webhook deliveries.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
hub.add_typer(clients.app, name="clients")
hub.add_typer(keys.app, name="keys")
hub.add_typer(requests.app, name="requests")
hub.add_typer(deliveries.app, name="deliveries")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and answer its exit code: 0 done, 1 refused, 2 wrong usage, 130 interrupted."""
    try:
        hub(args=list(arguments), prog_name="hub")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else DONE if ended.code is None else REFUSED
    except Exception as fault:
        error = as_domain_error(fault)
        if error is not None:
            details = {name: said for name, said in error.details.items() if name not in _QUIET}
            print_fault(error.message, details)
        elif isinstance(fault, ImproperlyConfigured):
            print_fault(str(fault))
        else:
            log.exception("command_failed", command=list(arguments)[:2])
            print_fault("Something went wrong on our side; the log above says what.")
        return REFUSED
    finally:
        connection.close()
    return DONE
