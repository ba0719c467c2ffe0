"""What the commands print: tables for people, JSON for machines. Both go to stdout; faults go to stderr."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from config.api.renderers import dumps

# Where nobody looks, nothing is cut: grep and awk need whole cells.
_WIDE = 400
# What is copied from a table stays on one line.
_WHOLE = frozenset({"id", "key", "keyId", "status", "error", "createdAt", "created", "at"})
_STYLES = {
    "ACTIVE": "green",
    "DELIVERED": "green",
    "SUSPENDED": "yellow",
    "EXPIRED": "yellow",
    "PENDING": "cyan",
    "RETRYING": "yellow",
    "REVOKED": "red",
    "FAILED": "red",
    "CANCELED": "dim",
}


def console() -> Console:
    """Stdout: colours on a terminal only, and none where NO_COLOR is set."""
    made = Console(highlight=False, soft_wrap=False)
    return made if made.is_terminal else Console(highlight=False, width=_WIDE)


def print_json(document: Any) -> None:
    """One JSON document, or one line of a stream, in the API's form."""
    print(dumps(document).decode(), flush=True)


def print_fault(message: str, details: Mapping[str, Any] | None = None) -> None:
    """A refusal on stderr: one sentence, and what is wrong with which value."""
    faults = Console(stderr=True, highlight=False)
    faults.print(f"[bold red]Refused:[/] {escape(message)}", soft_wrap=True)
    for name, said in (details or {}).items():
        text = " ".join(map(str, said)) if isinstance(said, list) else str(said)
        faults.print(f"  {escape(name)}: {escape(text)}", soft_wrap=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A table, or the sentence that says that there is nothing."""
    found = [[cell(value) for value in row] for row in rows]
    out = console()
    if not found:
        out.print(f"[dim]{escape(empty)}[/]")
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in _WHOLE)
    for row in found:
        table.add_row(*row)
    out.print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """One thing: each fact on a line."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, cell(value))
    console().print(table)


def print_secret(label: str, secret: str, hint: str) -> None:
    """A secret on a line of its own, whole whatever the width, and what to do with it."""
    out = console()
    out.print(f"\n[bold]{label}:[/] {escape(secret)}", soft_wrap=True)
    out.print(f"[yellow]{escape(hint)}[/]", soft_wrap=True)


def cell(value: Any) -> str:
    """A value as a table shows it, its colour by what it says; text is never taken for markup."""
    if value is None or value == "":
        return "[dim]-[/]"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
    if isinstance(value, list | tuple):
        return escape(" ".join(map(str, value))) or "[dim]-[/]"
    text = escape(str(value))
    style = _STYLES.get(text.upper()) or _status_style(value)
    return f"[{style}]{text}[/]" if style else text


def _status_style(value: Any) -> str:
    """The colour of an HTTP status, which alone is a number here."""
    if not isinstance(value, int) or not 100 <= value <= 599:
        return ""
    return "red" if value >= 500 else "yellow" if value >= 400 else "green"
