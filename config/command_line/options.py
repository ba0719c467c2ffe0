"""Options that several commands take."""

from enum import StrEnum
from typing import Annotated

import typer

from config.tenancy import Environment
from partners.models import Tier


class EnvironmentName(StrEnum):
    """The environments, as choices of an option."""

    SANDBOX = Environment.SANDBOX.value
    PRODUCTION = Environment.PRODUCTION.value


class TierName(StrEnum):
    """The rate-limit tiers, as choices of an option."""

    BASIC = Tier.BASIC.value
    STANDARD = Tier.STANDARD.value
    PREMIUM = Tier.PREMIUM.value
    ENTERPRISE = Tier.ENTERPRISE.value


AsJson = Annotated[bool, typer.Option("--json", help="JSON in the API's form instead of a table.")]
InOrganization = Annotated[
    str | None, typer.Option("--organization", "-o", metavar="SLUG", help="Needed where there are several.")
]
InEnvironment = Annotated[EnvironmentName | None, typer.Option("--environment", "-e")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")]
Sure = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def confirmed(question: str, *, sure: bool) -> None:
    """Ask on a terminal, unless they are sure. Raises typer.Abort (exit 1) for a no, BadParameter (2)."""
    if sure:
        return
    if not typer.get_text_stream("stdin").isatty():
        raise typer.BadParameter("Say --yes where nobody can be asked.")
    typer.confirm(question, abort=True)
