"""Tailing: what is there, oldest first, and then what comes."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection

from config.command_line.output import cell, console, print_json, print_table

# Log rows arrive in batches of every process, two seconds old or a little more.
POLL_S = 1.0


def tail(
    read: Callable[[], Iterable[tuple[Any, dict[str, Any]]]],
    *,
    columns: Sequence[str],
    follow: bool,
    as_json: bool,
    empty: str,
) -> None:
    """Print what `read` answers, oldest first: (identity, row in the API's form); each identity once.

    Following, it reads again each second until Ctrl-C, which is how it ends well.
    """
    rows = list(read())
    _print(rows, columns, as_json, empty="" if follow else empty)
    seen = {identity for identity, _ in rows}
    try:
        while follow:
            connection.close()
            time.sleep(POLL_S)
            found = list(read())
            _stream([row for identity, row in found if identity not in seen], columns, as_json)
            # what a later look may still show; older rows are behind its window
            seen = {identity for identity, _ in found} | (seen if len(seen) < 100_000 else set())
    except KeyboardInterrupt:
        return


def _print(rows: list[tuple[Any, dict[str, Any]]], columns: Sequence[str], as_json: bool, empty: str) -> None:
    if as_json:
        for _, row in rows:
            print_json(row)
    elif rows or empty:
        print_table(columns, ([row[column] for column in columns] for _, row in rows), empty=empty)


def _stream(rows: list[dict[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    out = console()
    for row in rows:
        if as_json:
            print_json(row)
        else:
            out.print("  ".join(cell(row[column]) for column in columns), soft_wrap=True)
